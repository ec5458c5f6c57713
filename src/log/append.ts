import type { NewEvent } from '../core/event.ts';
import { sqlStateOf } from '../db/sql-state.ts';
import { activeTraceContext, withTraceContext, type TraceContext } from '../tracing/trace-context.ts';
import { invalidEvent, isText, serializeEvent, takeExpected, type Streams } from './serialize-event.ts';
import { rowsIn, type Transaction } from './transaction.ts';

const maxChunkEvents = 500;
const maxChunkBytes = 1024 * 1024;

/** Options of one append. */
export interface AppendOptions {
  /**
   * For callers that retry: an append whose key was committed before, in this org, appends nothing and returns the ids
   * of the first time. 1 to 255 characters; kept for 30 days (`COMMITCAST_KEY_RETENTION`).
   */
  key?: string | undefined;
  /**
   * Whether the events carry the context of the span that is active, as `traceparent` and `tracestate` of their `meta`,
   * so that who gets them can go on with its trace. One that you have put there yourself stays. With a `key`, what is
   * stored is the context of the first time. Default: `true`; without an OpenTelemetry SDK no span is ever active.
   */
  trace?: boolean | undefined;
}

/**
 * Appends events to the outbox inside the caller's transaction: they are broadcast if, and only if, it commits, in
 * commit order. A plain `insert into commitcast.outbox` does exactly the same.
 *
 * An event of a `stream` gets the stream's next version, under a lock of the stream that is held until the transaction
 * ends. `expectedVersion` is the stream's version before this call, the same for all of its events in the call: a
 * number, `"none"` when the stream shall be new, or `"any"` (default).
 *
 * @param tx the transaction of drizzle, postgres.js, Kysely or Knex, a `pg` client inside a transaction, or anything with
 *   `query(text, values)`
 * @returns the ids, in the order of the events
 * @throws {CommitcastError} `EVENT_INVALID`, `EVENT_TOO_LARGE` (`data` over 262,144 bytes as text, `meta` over 16,384),
 *   `EVENT_NAME_RESERVED`, `TOO_MANY_EVENTS` (10,000 a transaction), `VERSION_CONFLICT` (a `VersionConflictError` with
 *   `expected` and `actual`) or `KEY_REUSED`
 *
 * @example
 * await db.transaction(async (tx) => {
 *   await tx.update(unit).set({ door: 'open' }).where(eq(unit.id, 'truck-7'));
 *   await append(tx, { org: 'acme', unit: 'truck-7', type: 'door.opened', data: { by: 'kim' } });
 *   await append(tx, { org: 'acme', stream: 'order-9', expectedVersion: 3, type: 'order.paid', data: { by: 'kim' } });
 * });
 */
export async function append(
  tx: Transaction,
  events: NewEvent | readonly NewEvent[],
  { key, trace = true }: AppendOptions = {},
): Promise<string[]> {
  if (key !== undefined && !isText(key))
    throw invalidEvent('key has 1 to 255 characters, none of them a control character');
  const given = Array.isArray(events) ? (events as readonly NewEvent[]) : [events as NewEvent];
  const streams: Streams = new Map();
  const traceContext = trace ? activeTraceContext() : undefined;
  const serialize = (context: TraceContext | undefined) =>
    given.map((event) => serializeEvent(context ? withTraceContext(event, context) : event, streams));
  const texts = serialize(traceContext);
  if (key !== undefined && given.some(({ org }) => org !== given[0]?.org))
    throw invalidEvent('events with a key are all of one org');
  // Cut as if it expected nothing and came from no span: a retry by key has the same chunks, whatever it expects.
  const chunks = chunksOf(key !== undefined && traceContext ? serialize(undefined) : texts);
  if (chunks.length > 1 && streams.size > 1)
    await query(tx, lockParts, [JSON.stringify([...streams.values()])]);
  const direct = key === undefined && streams.size === 0;
  for (const [index, event] of given.entries()) {
    const expected = JSON.stringify(takeExpected(event, streams) ?? 'any');
    if (expected !== '"any"') texts[index] = `${texts[index]?.slice(0, -1)},"expectedVersion":${expected}}`;
  }
  const ids: string[] = [];
  for (const [chunk, { from, to }] of chunks.entries()) {
    const json = `[${texts.slice(from, to).join(',')}]`;
    const rows = await (direct
      ? query<{ id: string }>(tx, insertParts, [json])
      : query<{ id: string }>(tx, appendParts, [json, key ?? null, chunk, chunks.length]));
    for (const { id } of rows) ids.push(id);
  }
  return ids;
}

// Array elements, not a record set: a JSON null as `data` must stay a JSON null.
const insertParts = [
  `
  insert into commitcast.outbox (id, org_id, site_id, unit_id, type, data, meta)
  select coalesce((e->>'id')::uuid, gen_random_uuid()), e->>'org', e->>'site', e->>'unit', e->>'type', e->'data', e->'meta'
  from jsonb_array_elements(`,
  `::jsonb) with ordinality as element (e, n)
  order by n
  returning id`,
];
// What needs a version or has a key.
const appendParts = ['select id from commitcast.append(', '::jsonb, ', '::text, ', '::int, ', '::int)'];
// Statement by statement, two calls could wait for each other's streams.
const lockParts = ['select commitcast.lock_streams(', '::jsonb)'];

async function query<Row>(tx: Transaction, parts: readonly string[], values: unknown[]): Promise<Row[]> {
  try {
    return await rowsIn<Row>(tx, parts, values);
  } catch (error) {
    // JSON that Postgres cannot store: \u0000, or half of a surrogate pair.
    if (!['22P05', '22P02'].includes(sqlStateOf(error) ?? '')) throw error;
    throw invalidEvent(
      'data or meta has a character that Postgres cannot store (\\u0000 or a lone surrogate)',
      error,
    );
  }
}

function chunksOf(texts: readonly string[]): { from: number; to: number }[] {
  const chunks: { from: number; to: number }[] = [];
  let from = 0;
  let bytes = 0;
  for (const [index, text] of texts.entries()) {
    if (index > from && (index - from === maxChunkEvents || bytes + text.length > maxChunkBytes)) {
      chunks.push({ from, to: index });
      from = index;
      bytes = 0;
    }
    bytes += text.length;
  }
  return texts.length === 0 ? [] : [...chunks, { from, to: texts.length }];
}
