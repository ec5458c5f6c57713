import type { CommitcastEvent } from '../core/event.ts';
import { rowsOf, type Executor } from '../db/executor.ts';
import { eventColumns, toEvent, type EventRow } from '../log/event-row.ts';

/**
 * All events of the log, in the order of their positions: what `checkHistory` judges by. Reads all of it at once, so
 * it is for test databases.
 */
export async function readWholeLog(db: Executor): Promise<CommitcastEvent[]> {
  const rows = await rowsOf<EventRow>(
    db,
    `select ${eventColumns} from commitcast.log where not control order by log.position`,
  );
  return rows.map(toEvent);
}
