import type { DefinedEvent, EventDefinitions, Schemas } from '../core/define-events.ts';
import { CommitcastError } from '../core/errors.ts';
import type { CommitcastEvent } from '../core/event.ts';
import { isIdentifier } from '../core/identifier.ts';
import { rowsOf, type Executor } from '../db/executor.ts';
import { eventColumnNames, toEvent, type EventRow } from './event-row.ts';
import { eventsSql, inPage } from './page.ts';
import { invalidEvent, isText } from './serialize-event.ts';
import { executorOf, type Transaction } from './transaction.ts';

/** The name of a stream: within its org. */
export interface StreamName {
  org: string;
  stream: string;
}

export interface ReadStreamOptions {
  /** First version, from 1. Default: 1. */
  from?: number | undefined;
  /** Last version. Default: the last there is. */
  to?: number | undefined;
  /** Events at most. Default: no limit. */
  limit?: number | undefined;
  /** Checks each event, and gives its data as the newest version has it. Default: as it was written. */
  events?: EventDefinitions | undefined;
}

const pageEvents = 500;

/**
 * The events of one stream, by version; constant memory, whatever its length. A stream that does not exist has none.
 *
 * @param db a drizzle database or transaction, a `pg` pool or client, or anything with `query(text, values)`
 * @throws {CommitcastError} `HISTORY_EXPIRED` when retention has removed, or removes meanwhile, a version that was asked
 *   for: there is never a silent hole. `EVENT_INVALID` for a name of another form, or when the transaction has itself
 *   appended what is asked for: nobody can read that before the commit; with `events`, as their `parse`. `LIMIT_INVALID`
 *   for an option of another form
 *
 * @example
 * for await (const event of readStream(db, { org: 'acme', stream: 'order-9' })) console.log(event.version, event.type);
 */
export function readStream<Of extends Schemas>(
  db: Transaction,
  stream: StreamName,
  options: ReadStreamOptions & { events: EventDefinitions<Of> },
): AsyncGenerator<DefinedEvent<Of>, void, undefined>;
export function readStream(
  db: Transaction,
  stream: StreamName,
  options?: ReadStreamOptions,
): AsyncGenerator<CommitcastEvent, void, undefined>;
export async function* readStream(
  db: Transaction,
  { org, stream }: StreamName,
  { from = 1, to = Infinity, limit = Infinity, events }: ReadStreamOptions = {},
): AsyncGenerator<CommitcastEvent, void, undefined> {
  checkStreamName({ org, stream });
  requireWhole('from', from, 1);
  if (to !== Infinity) requireWhole('to', to, 0);
  if (limit !== Infinity) requireWhole('limit', limit, 1);

  const executor = executorOf(db);
  // Settled reading is not needed: each version was given under the lock of the stream's row, which is held until its
  // transaction is visible. So whoever sees a version sees, or has lost to retention, all versions before it.
  const last = Math.min(to, from + limit - 1);
  let next = from;
  let after = 0;
  while (next <= last) {
    const page = await readStreamPage(executor, { org, stream, from: next, to: last, after });
    for (const event of page.events) {
      if (event.version !== next) throw expired(stream, next, event.version);
      next += 1;
      after = event.position;
      yield events ? events.parse(event) : event;
    }
    if (next > page.version) return;
    if (page.events.length > 0) continue;
    if (page.own) throw uncommitted(stream, next);
    throw expired(stream, next);
  }
}

interface StreamPage {
  events: CommitcastEvent[];
  /** The stream's, when the page was read. */
  version: number;
  /** The transaction that reads has given this version, so the log does not have it yet. */
  own: boolean;
}

interface StreamRange extends StreamName {
  from: number;
  to: number;
  /** A position that no wanted event is at or before: partitions below it are not looked into. */
  after: number;
}

type StreamRow = { stream_version: string | null; own: boolean | null } & (
  EventRow | { [Column in keyof EventRow]: null }
);

// The version of the stream is of the same snapshot as its events. Whether it is the transaction's own, the xmin of its
// row tells: that of the transaction or of a savepoint, whose xid is higher; and in progress, for nobody else's would be
// visible.
const sql = `
  with candidates as materialized (
    select * from commitcast.log
    where org_id = $1 and stream = $2 and version >= $3 and version <= $4 and position > $5
    order by version limit ${pageEvents}
  ), ${eventsSql}, known as (
    select version as stream_version, mine, (stream.xmin::text::bigint - mine % 4294967296 + 4294967296) % 4294967296 as ahead
    from commitcast.stream cross join (select pg_current_xact_id_if_assigned()::text::bigint as mine) reader
    where org_id = $1 and stream = $2
  )
  select stream_version,
    case when ahead < 2147483648 then pg_xact_status((mine + ahead)::text::xid8) = 'in progress' end as own,
    ${eventColumnNames}
  from (select) one
    left join known on true
    left join events on ${inPage}
  order by version`;

async function readStreamPage(
  db: Executor,
  { org, stream, from, to, after }: StreamRange,
): Promise<StreamPage> {
  const values = [org, stream, from, Math.min(to, Number.MAX_SAFE_INTEGER), after];
  const rows = await rowsOf<StreamRow>(db, sql, values);
  return {
    events: rows.filter((row): row is StreamRow & EventRow => row.position !== null).map(toEvent),
    version: Number(rows[0]?.stream_version ?? 0),
    own: rows[0]?.own === true,
  };
}

/** @throws {CommitcastError} `EVENT_INVALID` */
export function checkStreamName({ org, stream }: StreamName): void {
  if (!isIdentifier(org)) throw invalidEvent('org has 1 to 128 characters of A-Z a-z 0-9 . _ ~ -');
  if (!isText(stream)) throw invalidEvent('stream has 1 to 255 characters, none of them a control character');
}

/** @throws {CommitcastError} `LIMIT_INVALID` */
export function requireWhole(name: string, value: unknown, least: number): void {
  if (Number.isSafeInteger(value) && Number(value) >= least) return;
  throw new CommitcastError('LIMIT_INVALID', `${name} is a whole number from ${least}`);
}

function expired(stream: string, wanted: number, found?: number): CommitcastError {
  const kept = found === undefined ? 'it is not kept any more' : `the oldest that is kept is ${found}`;
  return new CommitcastError(
    'HISTORY_EXPIRED',
    `Version ${wanted} of the stream ${JSON.stringify(stream.slice(0, 80))} was asked for, and ${kept}`,
  );
}

function uncommitted(stream: string, version: number): CommitcastError {
  return invalidEvent(
    `version ${version} of the stream ${JSON.stringify(stream.slice(0, 80))} was appended by this transaction, and cannot be read before it commits: read first, and append all events of a stream at once`,
  );
}
