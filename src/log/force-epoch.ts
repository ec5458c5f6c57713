import { rowsOf, type Executor } from '../db/executor.ts';

/** Opens a new epoch although the database's identity has not changed; returns it. */
export async function forceEpoch(db: Executor): Promise<string> {
  const [row] = await rowsOf<{ epoch: string }>(db, 'select commitcast.open_epoch(true) as epoch');
  if (!row) throw new Error('commitcast.open_epoch() returned nothing');
  return row.epoch;
}
