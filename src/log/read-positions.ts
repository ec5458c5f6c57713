import { rowsOf, type Executor } from '../db/executor.ts';

/** Positions after `after` that are visible now, rising. A missing one is still committing, or dead. */
export async function readPositions(db: Executor, after: number, limit: number): Promise<number[]> {
  const rows = await rowsOf<{ position: string }>(
    db,
    'select position from commitcast.log where position > $1 order by position limit $2',
    [after, limit],
  );
  return rows.map((row) => Number(row.position));
}
