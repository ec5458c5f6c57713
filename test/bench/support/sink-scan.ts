/** What a message says, as far as it is counted. */
export interface Scanned {
  /** Positions of its events, as they stand in it. */
  positions: readonly number[];
  isRising: boolean;
  /** When its events were meant to happen (`"due":…` of their data), if they say so. */
  dues: readonly number[];
  /** The last argument, when it is text: our cursor, or the offset of Socket.IO's recovery. */
  place: string | undefined;
  /** The text itself, of a message without events. */
  text: string;
}

/** What is kept of it is forgotten when it is more. */
const maxKept = 2_048;

/** So many first bytes of two messages differ in nearly all cases: the first position is among them. */
const keyBytes = 64;

const kept = new Map<string, { bytes: Buffer; scanned: Scanned }>();

/**
 * Reads a message. Thousands of sockets get the same bytes, which are compared then, not read again. Objects of events
 * are not parsed: `"position":…` is looked for anywhere, so the data of a benchmark must not have a key of that name.
 */
export function scan(bytes: Buffer, start: number, end: number): Scanned {
  const key = bytes.toString('latin1', start, Math.min(end, start + keyBytes));
  const known = kept.get(key);
  if (known && known.bytes.compare(bytes, start, end) === 0) return known.scanned;
  const scanned = read(bytes.toString('utf8', start, end));
  if (kept.size >= maxKept) kept.clear();
  kept.set(key, { bytes: Buffer.from(bytes.subarray(start, end)), scanned });
  return scanned;
}

function read(text: string): Scanned {
  const positions = numbersOf(text, /"position":\s*(\d+)/g);
  return {
    positions,
    isRising: positions.every((position, index) => index === 0 || position > (positions[index - 1] ?? 0)),
    dues: numbersOf(text, /"due":\s*(\d+)/g),
    place: /,"([^"]*)"\]$/.exec(text)?.[1],
    text: positions.length === 0 ? text : '',
  };
}

function numbersOf(text: string, pattern: RegExp): number[] {
  return Array.from(text.matchAll(pattern), (match) => Number(match[1]));
}
