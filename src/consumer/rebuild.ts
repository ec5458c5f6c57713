import { rowsOf } from '../db/executor.ts';
import { executorOf } from '../log/transaction.ts';
import { inTransaction, type Database } from './database.ts';
import type { ResolvedOptions } from './options.ts';

/**
 * Takes back what the consumer has written, and sets all its partitions to the oldest event kept, in one transaction.
 * Any worker of the consumer may do it; the first one does. Returns whether it was this one.
 */
export async function rebuild<Tx>(db: Database<Tx>, { name, reset }: ResolvedOptions<Tx>): Promise<boolean> {
  if (!reset) return false;
  let done = false;
  await inTransaction(db, async (tx) => {
    const executor = executorOf(tx);
    const [asked] = await rowsOf(
      executor,
      'update commitcast.consumer set rebuild = false where name = $1 and rebuild returning 1',
      [name],
    );
    if (!asked) return;
    // First: from now on no page that is being handled can commit, and none that has committed is unseen by `reset`.
    await executor.query('select commitcast.rewind_consumer($1, (select floor - 1 from commitcast.relay))', [
      name,
    ]);
    await reset(tx);
    done = true;
  });
  return done;
}
