import { CommitcastError } from '../core/errors.ts';
import { maxDataBytes, reservedTypePrefix, type NewEvent } from '../core/event.ts';
import { isIdentifier } from '../core/identifier.ts';
import { sqlStateOf } from '../db/sql-state.ts';
import { rowsIn, type Transaction } from './transaction.ts';

const maxChunkEvents = 500;
const maxChunkBytes = 1024 * 1024;
const keys = new Set(['type', 'org', 'site', 'unit', 'data', 'id', 'stream', 'version', 'meta']);
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const textPattern = /^[^\p{Cc}]{1,255}$/u;

/**
 * Appends events to the outbox inside the caller's transaction: they are broadcast if, and only if, it commits, in
 * commit order. A plain `insert into commitcast.outbox` does exactly the same.
 *
 * @param tx a drizzle transaction, a `pg` client inside a transaction, or anything with `query(text, values)`
 * @returns the ids, in the order of the events
 * @throws {CommitcastError} `EVENT_INVALID`, `EVENT_TOO_LARGE` (`data` over 262,144 bytes as text, `meta` over 16,384),
 *   `EVENT_NAME_RESERVED` or `TOO_MANY_EVENTS` (10,000 a transaction)
 *
 * @example
 * await db.transaction(async (tx) => {
 *   await tx.update(unit).set({ door: 'open' }).where(eq(unit.id, 'truck-7'));
 *   await append(tx, { org: 'acme', unit: 'truck-7', type: 'door.opened', data: { by: 'kim' } });
 * });
 */
export async function append(tx: Transaction, events: NewEvent | readonly NewEvent[]): Promise<string[]> {
  const texts = (Array.isArray(events) ? (events as readonly NewEvent[]) : [events as NewEvent]).map(
    serialize,
  );
  const ids: string[] = [];
  for (const chunk of chunksOf(texts)) ids.push(...(await insert(tx, `[${chunk.join(',')}]`)));
  return ids;
}

// Array elements, not a record set: a JSON null as `data` must stay a JSON null.
const before = `
  insert into commitcast.outbox (id, org_id, site_id, unit_id, type, data, stream, version, meta)
  select coalesce((e->>'id')::uuid, gen_random_uuid()), e->>'org', e->>'site', e->>'unit', e->>'type', e->'data',
    e->>'stream', (e->>'version')::bigint, e->'meta'
  from jsonb_array_elements(`;
const after = `::jsonb) with ordinality as element (e, n)
  order by n
  returning id`;

async function insert(tx: Transaction, events: string): Promise<string[]> {
  try {
    const rows = await rowsIn<{ id: string }>(tx, [before, after], [events]);
    return rows.map(({ id }) => id);
  } catch (error) {
    // JSON that Postgres cannot store: \u0000, or half of a surrogate pair.
    if (!['22P05', '22P02'].includes(sqlStateOf(error) ?? '')) throw error;
    throw invalid(
      'data or meta has a character that Postgres cannot store (\\u0000 or a lone surrogate)',
      error,
    );
  }
}

function serialize(event: NewEvent): string {
  if (typeof event !== 'object' || event === null) throw invalid('an event is an object');
  const unknown = Object.keys(event).find((key) => !keys.has(key));
  if (unknown !== undefined) throw invalid(`unknown field ${JSON.stringify(unknown)}`);
  const { type, org, site, unit, id, stream, version, meta } = event;
  if (!isText(type)) throw invalid('type has 1 to 255 characters, none of them a control character');
  if (type.startsWith(reservedTypePrefix))
    throw new CommitcastError(
      'EVENT_NAME_RESERVED',
      `type ${JSON.stringify(type)} starts with "${reservedTypePrefix}"`,
    );
  for (const [name, value] of Object.entries({ org, site, unit })) {
    if (isIdentifier(value) || (value === undefined && name !== 'org')) continue;
    throw invalid(`${name} has 1 to 128 characters of A-Z a-z 0-9 . _ ~ -`);
  }
  if (id !== undefined && !(typeof id === 'string' && uuidPattern.test(id))) throw invalid('id is a UUID');
  if (stream !== undefined && !isText(stream))
    throw invalid('stream has 1 to 255 characters, none of them a control character');
  if (version !== undefined && !(Number.isSafeInteger(version) && version >= 1))
    throw invalid('version is a whole number from 1');
  if (meta !== undefined && (typeof meta !== 'object' || meta === null || Array.isArray(meta)))
    throw invalid('meta is an object');
  const data = toJson(event.data);
  if (Buffer.byteLength(data) > maxDataBytes) throw new CommitcastError('EVENT_TOO_LARGE');
  return toJson(event);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && textPattern.test(value);
}

function toJson(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw invalid('data and meta are JSON: no cycles, no bigint', error);
  }
  if (text === undefined) throw invalid('data is required; use null for none');
  return text;
}

function* chunksOf(texts: readonly string[]): Generator<string[]> {
  let chunk: string[] = [];
  let bytes = 0;
  for (const text of texts) {
    if (chunk.length > 0 && (chunk.length === maxChunkEvents || bytes + text.length > maxChunkBytes)) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(text);
    bytes += text.length;
  }
  if (chunk.length > 0) yield chunk;
}

function invalid(message: string, cause?: unknown): CommitcastError {
  return new CommitcastError('EVENT_INVALID', message, cause === undefined ? undefined : { cause });
}
