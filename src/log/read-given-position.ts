import { rowsOf, type Executor } from '../db/executor.ts';

/** The position that was given last; 0: none so far. */
export async function readGivenPosition(db: Executor): Promise<number> {
  const [row] = await rowsOf<{ given: string }>(
    db,
    'select case when is_called then last_value else last_value - 1 end as given from commitcast.position',
  );
  if (!row) throw new Error('commitcast.position gave no row');
  return Number(row.given);
}
