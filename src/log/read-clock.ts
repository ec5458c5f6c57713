import { rowsOf, type Executor } from '../db/executor.ts';

/** The database's clock, in Unix milliseconds. */
export async function readClock(db: Executor): Promise<number> {
  const [row] = await rowsOf<{ now: number }>(
    db,
    'select (extract(epoch from clock_timestamp()) * 1000)::float8 as now',
  );
  if (!row) throw new Error('a select without a table returned nothing');
  return row.now;
}
