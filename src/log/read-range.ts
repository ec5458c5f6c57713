import type { CommitcastEvent } from '../core/event.ts';
import { rowsOf, type Executor } from '../db/executor.ts';
import { eventColumns, toEvent, type EventRow } from './event-row.ts';

export interface LogEntry {
  event: CommitcastEvent;
  /** A control event: acted on, never delivered. */
  control: boolean;
}

/** The entries of `(after, upTo]`, rising, at most `limit`. The caller knows that `upTo` is settled. */
export async function readRange(
  db: Executor,
  after: number,
  upTo: number,
  limit: number,
): Promise<LogEntry[]> {
  const rows = await rowsOf<EventRow>(
    db,
    `select ${eventColumns} from commitcast.log where position > $1 and position <= $2 order by position limit $3`,
    [after, upTo, limit],
  );
  return rows.map((row) => ({ event: toEvent(row), control: row.control }));
}
