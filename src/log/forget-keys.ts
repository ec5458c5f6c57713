import { rowsOf, type Executor } from '../db/executor.ts';

/** As `commitcast.forget_keys` has it, for the keys of `append` and those of `once` each. */
const batch = 10_000;

/**
 * Forgets keys of `append` and of `once` that are older than this, some thousands at most. Never waits for a lock: keys
 * that others hold are left for the next time.
 *
 * @returns whether all of them are gone; if not, call it again
 */
export async function forgetKeys(db: Executor, olderThanMs: number): Promise<boolean> {
  const [row] = await rowsOf<{ forgotten: string }>(
    db,
    'select commitcast.forget_keys(make_interval(secs => $1)) as forgotten',
    [olderThanMs / 1_000],
  );
  return Number(row?.forgotten ?? 0) < batch;
}
