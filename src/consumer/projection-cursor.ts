import { formatCursor } from '../core/cursor.ts';
import { CommitcastError } from '../core/errors.ts';
import { rowsOf } from '../db/executor.ts';
import { presentEpochSql } from '../log/present-epoch.ts';
import { orgHashSql } from '../log/read-page.ts';
import { executorOf, type Transaction } from '../log/transaction.ts';

export interface ProjectionCursorOptions {
  /** Whose state is read: its own partition counts. Default: all orgs, and of the partitions the one that is behind. */
  org?: string | undefined;
}

const sql = `
  select min(part.position) as position, ${presentEpochSql} as epoch
  from commitcast.consumer join commitcast.consumer_partition part using (name)
  where name = $1 and ($2::text is null or part.partition = ${orgHashSql('$2')} % partitions)
  having count(*) > 0`;

/**
 * The cursor that a read model stands for: that of the checkpoint of the consumer which writes it. Read in the same
 * REPEATABLE READ transaction as the state, so that both are of one moment: who shows the state and follows on from the
 * cursor has no hole and no overlap, however far behind the consumer is.
 *
 * Not the cursor of `snapshot`: that one is right for what the transactions themselves have written beside their events,
 * and ahead of what a consumer has written so far, so the events between the two would be missed.
 *
 * With several partitions and no `org`, the state of some orgs is ahead of the cursor: their events come again. Events
 * that are parked are before the cursor, and not in the state.
 *
 * @throws {CommitcastError} `CONSUMER_UNKNOWN`; `UNAVAILABLE` when the database is a standby, or was replaced and no
 *   instance has opened its epoch yet
 *
 * @example
 * const answer = await db.transaction(
 *   async (tx) => ({ totals: await tx.select().from(total), cursor: await projectionCursor(tx, 'totals') }),
 *   { isolationLevel: 'repeatable read', accessMode: 'read only' },
 * );
 */
export async function projectionCursor(
  tx: Transaction,
  name: string,
  { org }: ProjectionCursorOptions = {},
): Promise<string> {
  const [row] = await rowsOf<{ position: string; epoch: string | null }>(executorOf(tx), sql, [
    name,
    org ?? null,
  ]);
  if (!row) throw new CommitcastError('CONSUMER_UNKNOWN', `There is no consumer ${name}`);
  if (row.epoch === null)
    throw new CommitcastError(
      'UNAVAILABLE',
      'The database is a standby, or it was replaced and no instance has opened its epoch yet',
    );
  return formatCursor({ epoch: row.epoch, position: Number(row.position) });
}
