import { rowsOf, type Executor } from '../db/executor.ts';

/** As `commitcast.sweep_revocations` has it. */
const batch = 10_000;

/**
 * Removes revocations that newer ones have taken the place of, some thousands at most. Nobody who was refused is let in by
 * it. Never waits for a lock.
 *
 * @returns whether all of them are gone; if not, call it again
 */
export async function sweepRevocations(db: Executor): Promise<boolean> {
  const [row] = await rowsOf<{ swept: string }>(db, 'select commitcast.sweep_revocations() as swept');
  return Number(row?.swept ?? 0) < batch;
}
