import type { CommitcastEvent } from '../core/event.ts';
import { rowsOf, type Executor } from '../db/executor.ts';
import { eventColumnNames, eventColumns, maxPageBytes, toEvent, type EventRow } from './event-row.ts';

export interface LogEntry {
  event: CommitcastEvent;
  /** Size of the event on the wire, roughly. */
  bytes: number;
  /** A control event: acted on, never delivered. */
  control: boolean;
}

export interface RangePage {
  entries: LogEntry[];
  /** Everything up to here is in `entries`. */
  to: number;
}

const limit = 1_000;

const sql = `
  select ${eventColumnNames}, wanted from (
    select *, count(*) over () as wanted,
      sum(octet_length(data)) over (order by position) - octet_length(data) as bytes_before
    from (
      select ${eventColumns} from commitcast.log where position > $1 and position <= $2 order by position limit ${limit}
    ) page
  ) measured
  where bytes_before < ${maxPageBytes}
  order by position`;

/** The first page of `(after, upTo]`, rising. The caller knows that `upTo` is settled. */
export async function readRange(db: Executor, after: number, upTo: number): Promise<RangePage> {
  const rows = await rowsOf<EventRow & { wanted: string }>(db, sql, [after, upTo]);
  const entries = rows.map((row) => ({ event: toEvent(row), bytes: sizeOf(row), control: row.control }));
  const wanted = Number(rows[0]?.wanted ?? 0);
  // A page that no limit has cut reaches the end, also where the last positions are dead.
  const cut = wanted === limit || rows.length < wanted;
  return { entries, to: cut ? (entries.at(-1)?.event.position ?? upTo) : upTo };
}

function sizeOf(row: EventRow): number {
  return Buffer.byteLength(row.data) + 250;
}
