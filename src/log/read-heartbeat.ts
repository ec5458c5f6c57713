import { rowsOf, type Executor } from '../db/executor.ts';

/** Counts up while somebody leads. */
export async function readHeartbeat(db: Executor): Promise<number> {
  const [row] = await rowsOf<{ heartbeat: string }>(db, 'select heartbeat from commitcast.relay');
  if (!row) throw new Error('commitcast.relay has lost its row');
  return Number(row.heartbeat);
}
