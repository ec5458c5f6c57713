import { rowsOf, type Executor } from '../db/executor.ts';

/** When events were given their positions, at the end of their COMMIT: milliseconds since 1970, by the database's clock. */
export async function readCommitTimes(
  db: Executor,
  positions: readonly number[],
): Promise<Map<number, number>> {
  const rows = await rowsOf<{ position: string; at: number }>(
    db,
    `select position, (extract(epoch from committed_at) * 1000)::float8 as at
     from commitcast.log where position = any($1::bigint[])`,
    [positions],
  );
  return new Map(rows.map(({ position, at }) => [Number(position), at]));
}
