import type { Executor } from '../db/executor.ts';

/** The instance stops, and says so. */
export async function removeInstance(db: Executor, id: string): Promise<void> {
  await db.query('delete from commitcast.instance where id = $1', [id]);
}
