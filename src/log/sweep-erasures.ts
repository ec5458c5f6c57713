import { rowsOf, type Executor } from '../db/executor.ts';

/**
 * Completes the erasures below which all is settled: events that were committed beside them. Never waits for long.
 *
 * @returns whether all are complete; if not, call it again
 */
export async function sweepErasures(db: Executor): Promise<boolean> {
  const [row] = await rowsOf<{ left: string }>(db, 'select commitcast.sweep_erasures() as left');
  return Number(row?.left) === 0;
}
