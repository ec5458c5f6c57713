import type { CommitcastEvent } from '../core/event.ts';
import { rowsOf, type Executor } from '../db/executor.ts';
import {
  bytesSql,
  eventColumnNames,
  eventColumns,
  maxPageBytes,
  toEvent,
  type EventRow,
} from './event-row.ts';

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
  /** Oldest position that was kept when the page was read, from the same statement: below it there may be holes. */
  floor: number;
}

const limit = 1_000;

const sql = `
  with page as (
    select ${eventColumns} from commitcast.log where position > $1 and position <= $2 order by position limit ${limit}
  ), measured as (
    select *, sum(${bytesSql}) over (order by position) - (${bytesSql}) as bytes_before from page
  )
  select relay.floor, (select count(*) from page) as wanted, ${eventColumnNames}
  from commitcast.relay left join measured on bytes_before < ${maxPageBytes}
  order by position`;

type Row = { floor: string; wanted: string } & (EventRow | { [Column in keyof EventRow]: null });

/** The first page of `(after, upTo]`, rising. The caller knows that `upTo` is settled. */
export async function readRange(db: Executor, after: number, upTo: number): Promise<RangePage> {
  const rows = await rowsOf<Row>(db, sql, [after, upTo]);
  const entries = rows
    .filter((row): row is Row & EventRow => row.position !== null)
    .map((row) => ({ event: toEvent(row), bytes: sizeOf(row), control: row.control }));
  const wanted = Number(rows[0]?.wanted);
  // A page that no limit has cut reaches the end, also where the last positions are dead.
  const cut = wanted === limit || entries.length < wanted;
  return {
    entries,
    to: cut ? (entries.at(-1)?.event.position ?? upTo) : upTo,
    floor: Number(rows[0]?.floor),
  };
}

function sizeOf({ data, meta }: EventRow): number {
  return Buffer.byteLength(data) + Buffer.byteLength(meta ?? '') + 250;
}
