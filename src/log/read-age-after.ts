import { rowsOf, type Executor } from '../db/executor.ts';

/** Seconds since the first event after a position was committed, by the database's clock; 0 when there is none. */
export async function readAgeAfter(db: Executor, position: number): Promise<number> {
  const [row] = await rowsOf<{ age: number }>(
    db,
    `select greatest(extract(epoch from clock_timestamp() - committed_at), 0)::float8 as age
     from commitcast.log where position > $1 order by position limit 1`,
    [position],
  );
  return row?.age ?? 0;
}
