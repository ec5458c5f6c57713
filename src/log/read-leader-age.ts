import { rowsOf, type Executor } from '../db/executor.ts';

/** Seconds since a leader last showed that it leads, by the database's clock; `undefined` when there never was one. */
export async function readLeaderAge(db: Executor): Promise<number | undefined> {
  const [row] = await rowsOf<{ age: number }>(
    db,
    `select greatest(extract(epoch from clock_timestamp() - updated_at), 0)::float8 as age
     from commitcast.relay where leader is not null`,
  );
  return row?.age;
}
