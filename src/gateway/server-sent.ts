/** A server-sent event. JSON has no line breaks of its own, so one `data` line holds it. */
export function serverSent(name: string, json: string, cursor: string | undefined): Buffer {
  const id = cursor === undefined ? '' : `id: ${cursor}\n`;
  return Buffer.from(`${id}event: ${name}\ndata: ${json}\n\n`);
}
