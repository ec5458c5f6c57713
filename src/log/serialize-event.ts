import { CommitcastError } from '../core/errors.ts';
import { maxDataBytes, reservedTypePrefix, type NewEvent } from '../core/event.ts';
import { isIdentifier } from '../core/identifier.ts';

const keys = new Set(['type', 'org', 'site', 'unit', 'data', 'id', 'stream', 'expectedVersion', 'meta']);
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
// Half of a surrogate pair has no UTF-8: it would come to the database as another text.
const textPattern = /^[^\p{Cc}\p{Cs}]{1,255}$/u;

/** The streams of a call, and what it expects of them. */
export type Streams = Map<string, { org: string; stream: string; expected: NewEvent['expectedVersion'] }>;

/**
 * An event as JSON, checked, without what it expects: that is the call's, and noted in `streams`.
 *
 * @throws {CommitcastError} `EVENT_INVALID`, `EVENT_TOO_LARGE` or `EVENT_NAME_RESERVED`
 */
export function serializeEvent(event: NewEvent, streams: Streams): string {
  if (typeof event !== 'object' || event === null) throw invalidEvent('an event is an object');
  const unknown = Object.keys(event).find((key) => !keys.has(key));
  if (unknown !== undefined) throw invalidEvent(`unknown field ${JSON.stringify(unknown)}`);
  const { type, org, site, unit, id, stream, meta } = event;
  if (!isText(type)) throw invalidEvent('type has 1 to 255 characters, none of them a control character');
  if (type.startsWith(reservedTypePrefix))
    throw new CommitcastError(
      'EVENT_NAME_RESERVED',
      `type ${JSON.stringify(type)} starts with "${reservedTypePrefix}"`,
    );
  for (const [name, value] of Object.entries({ org, site, unit })) {
    if (isIdentifier(value) || (value === undefined && name !== 'org')) continue;
    throw invalidEvent(`${name} has 1 to 128 characters of A-Z a-z 0-9 . _ ~ -`);
  }
  if (id !== undefined && !(typeof id === 'string' && uuidPattern.test(id)))
    throw invalidEvent('id is a UUID');
  if (stream !== undefined && !isText(stream))
    throw invalidEvent('stream has 1 to 255 characters, none of them a control character');
  if (meta !== undefined && (typeof meta !== 'object' || meta === null || Array.isArray(meta)))
    throw invalidEvent('meta is an object');
  const data = toJson(event.data);
  if (Buffer.byteLength(data) > maxDataBytes) throw new CommitcastError('EVENT_TOO_LARGE');
  noteStream(event, streams);
  return toJson({ ...event, expectedVersion: undefined });
}

function noteStream({ org, stream, expectedVersion }: NewEvent, streams: Streams): void {
  if (expectedVersion !== undefined) {
    if (stream === undefined) throw invalidEvent('expectedVersion is that of a stream');
    const isNumber = Number.isSafeInteger(expectedVersion) && Number(expectedVersion) >= 0;
    if (expectedVersion !== 'any' && expectedVersion !== 'none' && !isNumber)
      throw invalidEvent('expectedVersion is "any", "none", or a whole number from 0');
  }
  if (stream === undefined) return;
  const key = `${org} ${stream}`;
  const expected = streams.get(key)?.expected;
  if (expected !== undefined && expectedVersion !== undefined && expected !== expectedVersion)
    throw invalidEvent(
      'expectedVersion is that before the call, so the events of one stream expect the same',
    );
  streams.set(key, { org, stream, expected: expected ?? expectedVersion });
}

/** What the first event of a stream has to say for all of the call; the map forgets it. */
export function takeExpected({ org, stream }: NewEvent, streams: Streams): NewEvent['expectedVersion'] {
  const key = `${org} ${stream}`;
  const expected = streams.get(key)?.expected;
  streams.delete(key);
  return expected;
}

/** 1 to 255 characters, none of them a control character. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && textPattern.test(value);
}

function toJson(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw invalidEvent('data and meta are JSON: no cycles, no bigint', error);
  }
  if (text === undefined) throw invalidEvent('data is required; use null for none');
  return text;
}

export function invalidEvent(message: string, cause?: unknown): CommitcastError {
  return new CommitcastError('EVENT_INVALID', message, cause === undefined ? undefined : { cause });
}
