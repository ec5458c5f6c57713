import type { Executor } from '../db/executor.ts';

/** Removes what ended transactions left in the outbox; never waits for a lock. */
export async function clearOutbox(db: Executor): Promise<void> {
  await db.query('select commitcast.clear_outbox()');
}
