import { rowsOf, type Executor } from '../db/executor.ts';
import { eventColumns, type EventRow } from './event-row.ts';
import { LogEntry } from './log-entry.ts';
import { presentEpochSql } from './present-epoch.ts';
import type { RangePage } from './read-page.ts';

/** So few that their bytes need no bound of their own. */
export const few = 8;

const sql = `
  select ${eventColumns}, (select floor from commitcast.relay) as floor, ${presentEpochSql} as epoch
  from commitcast.log where position > $1 and position <= $2 order by position limit ${few}`;

/**
 * As `readRange`, but a page ends after 8 events, and `undefined` stands for one that would be empty: nothing says then
 * which history that is of. Half of what a lone event's way through a page costs is the planning of it; this is less.
 */
export async function readFew(db: Executor, after: number, upTo: number): Promise<RangePage | undefined> {
  const rows = await rowsOf<EventRow & { floor: string; epoch: string | null }>(db, sql, [after, upTo]);
  const [first] = rows;
  const last = rows.at(-1);
  if (!first || !last) return undefined;
  return {
    entries: rows.map((row) => new LogEntry(row)),
    to: rows.length < few ? upTo : Number(last.position),
    floor: Number(first.floor),
    epoch: first.epoch ?? undefined,
  };
}
