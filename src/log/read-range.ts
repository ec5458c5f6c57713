import type { CommitcastEvent } from '../core/event.ts';
import { rowsOf, type Executor } from '../db/executor.ts';
import { toControlEvent, type ControlEvent } from './control-event.ts';
import { toEvent, type EventRow } from './event-row.ts';
import { eventsOf, pageOf, pageSql, type Page, type PageRow } from './page.ts';

export interface LogEntry {
  event: CommitcastEvent;
  /** Size of the event on the wire, roughly. */
  bytes: number;
  /** Acted on, never delivered. */
  control: ControlEvent | undefined;
}

export interface RangePage extends Omit<Page, 'rows'> {
  entries: LogEntry[];
}

const limit = 1_000;

const sql = `
  with candidates as materialized (
    select * from commitcast.log where position > $1 and position <= $2 order by position limit ${limit}
  ), wanted as (
    select position from candidates
  ), events as (${eventsOf('select * from candidates')}), ${pageSql}`;

/** The first page of `(after, upTo]`, rising. The caller knows that `upTo` is settled. */
export async function readRange(db: Executor, after: number, upTo: number): Promise<RangePage> {
  const { rows, ...page } = pageOf(await rowsOf<PageRow>(db, sql, [after, upTo]), limit, upTo);
  return {
    entries: rows.map((row) => {
      const event = toEvent(row);
      return { event, bytes: sizeOf(row), control: row.control ? toControlEvent(event, row) : undefined };
    }),
    ...page,
  };
}

function sizeOf({ data, meta }: EventRow): number {
  return Buffer.byteLength(data) + Buffer.byteLength(meta ?? '') + 250;
}
