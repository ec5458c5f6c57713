import { randomUUID } from 'node:crypto';
import { CommitcastError } from '../core/errors.ts';
import type { NewEvent } from '../core/event.ts';
import type { Revocation } from '../log/revoke.ts';
import type { PendingEvent } from './memory-log.ts';

/** As the guards of the database have them. */
export const maxEvents = 10_000;
const maxMetaBytes = 16_384;
const maxDepth = 256;

/** What a statement of `append` says. */
export interface Appended {
  readonly events: readonly NewEvent[];
  readonly key: string | null;
  /** A large append comes in `chunks` statements; which of them it is, from 0. */
  readonly chunk: number;
  readonly chunks: number;
}

/** What the statement appends, if it is one of `append`: the plain insert, or the one for streams and keys. */
export function appendedBy(text: string, values: readonly unknown[]): Appended | undefined {
  const [json, key = null, chunk = 0, chunks = 1] = values as [unknown, (string | null)?, number?, number?];
  const isAppend =
    /^\s*select id from commitcast\.append\(\$1::jsonb, \$2::text, \$3::int, \$4::int\)\s*$/.test(text) ||
    (/^\s*insert into commitcast\.outbox\b/.test(text) &&
      /\bjsonb_array_elements\(\$1::jsonb\)/.test(text) &&
      values.length === 1);
  if (!isAppend || typeof json !== 'string') return undefined;
  return { events: JSON.parse(json) as NewEvent[], key, chunk, chunks };
}

/** The streams that `append` locks before a large append to several of them, or `undefined` for any other statement. */
export function lockedBy(
  text: string,
  values: readonly unknown[],
): readonly { org: string; stream: string }[] | undefined {
  const [json] = values;
  const isLock = /^\s*select commitcast\.lock_streams\(\$1::jsonb\)\s*$/.test(text);
  return isLock && typeof json === 'string'
    ? (JSON.parse(json) as { org: string; stream: string }[])
    : undefined;
}

/** The key of the statement of `once`, or `undefined` for any other statement. */
export function markedBy(text: string, values: readonly unknown[]): string | undefined {
  const [key] = values;
  const isOnce = /^\s*select commitcast\.once\(\$1::text\) as first\s*$/.test(text) && values.length === 1;
  return isOnce && typeof key === 'string' ? key : undefined;
}

/** The revocation of the statement of `revoke`, or `undefined` for any other statement. */
export function revokedBy(text: string, values: readonly unknown[]): Revocation | undefined {
  if (!/^\s*select commitcast\.revoke\(\$1, \$2, \$3, \$4\) as id\s*$/.test(text) || values.length !== 4)
    return undefined;
  const [org, user, site, unit] = values as (string | null)[];
  if (typeof org !== 'string' || typeof user !== 'string') return undefined;
  const revocation: Revocation = { org, user };
  if (typeof site === 'string') revocation.site = site;
  if (typeof unit === 'string') revocation.unit = unit;
  return revocation;
}

/**
 * What the database does with an inserted row: gives id and time, and refuses what `append` leaves for it to refuse.
 *
 * @throws {CommitcastError} `EVENT_INVALID` or `EVENT_TOO_LARGE`
 */
export function toPending(event: NewEvent, version: number | undefined): PendingEvent {
  const { type, org, site, unit, stream, data, meta } = event;
  const text = JSON.stringify({ data, meta });
  // Escaped by JSON.stringify, and so told from a backslash that somebody wrote.
  if (/(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/.test(text))
    throw invalid('data or meta has a character that Postgres cannot store (\\u0000 or a lone surrogate)');
  if (isDeeper(data, maxDepth) || isDeeper(meta, maxDepth))
    throw invalid(`data and meta are nested at most ${maxDepth} deep`);
  if (meta && Buffer.byteLength(JSON.stringify(meta)) > maxMetaBytes)
    throw new CommitcastError('EVENT_TOO_LARGE', `meta has more than ${maxMetaBytes} bytes as text`);
  const id = event.id?.toLowerCase() ?? randomUUID();
  const pending: PendingEvent = { id, type, org, time: new Date().toISOString(), data };
  if (site !== undefined) pending.site = site;
  if (unit !== undefined) pending.unit = unit;
  if (stream !== undefined) pending.stream = stream;
  if (version !== undefined) pending.version = version;
  if (meta !== undefined) pending.meta = meta;
  return pending;
}

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((inner) => isDeeper(inner, depth - 1));
}

function invalid(message: string): CommitcastError {
  return new CommitcastError('EVENT_INVALID', message);
}
