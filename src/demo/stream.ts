const prefix = 'unit-';

/** All events of a unit, and nothing else, are one stream. */
export function streamOf(unit: string): string {
  return `${prefix}${unit}`;
}

/** The unit that a stream is of; `undefined` for a stream of something else. */
export function unitOf(stream: string): string | undefined {
  return stream.startsWith(prefix) ? stream.slice(prefix.length) : undefined;
}
