import type { MessageName, MessageValues } from './outlet.ts';

/**
 * A message of the wire as a server-sent event. One that has a cursor carries it as `id`: so an `EventSource` that
 * connects again by itself names, as `Last-Event-ID`, exactly where it stands.
 */
export function frameOf<Name extends MessageName>(name: Name, ...values: MessageValues<Name>): Buffer {
  const [first, cursor] = values as [object, string?];
  const message: { cursor?: string } = cursor === undefined ? first : { events: first, cursor };
  const id = message.cursor === undefined ? '' : `id: ${message.cursor}\n`;
  // JSON has no line breaks of its own, so one `data` line holds it.
  return Buffer.from(`${id}event: ${name}\ndata: ${JSON.stringify(message)}\n\n`);
}

/** How long an `EventSource` waits before it connects again; each another time, so that not all come at once. */
export function retryFrame(minMs: number): Buffer {
  return Buffer.from(`retry: ${Math.round(minMs * (1 + 2 * Math.random()))}\n\n`);
}

/** A comment: clients ignore it, and proxies see that the connection is in use. */
export const keepAliveFrame = Buffer.from(':\n\n');
