import { rowsOf, type Executor } from '../db/executor.ts';

/** Where the log stands, as the database knows it. */
export interface Head {
  epoch: string;
  /** Settled; saved lazily, so it may lag behind by a second. */
  published: number;
  /** Highest visible position; everything up to it will be settled soon. */
  last: number;
  /** Oldest position that is kept. */
  floor: number;
}

export async function readHead(db: Executor): Promise<Head> {
  const [row] = await rowsOf<{ epoch: string; published: string; last: string | null; floor: string }>(
    db,
    `select (select epoch from commitcast.epoch order by ordinal desc limit 1) as epoch, published, floor,
       (select max(position) from commitcast.log) as last
     from commitcast.relay`,
  );
  if (!row) throw new Error('commitcast.relay has lost its row');
  return {
    epoch: row.epoch,
    published: Number(row.published),
    last: Math.max(Number(row.last ?? 0), Number(row.published)),
    floor: Number(row.floor),
  };
}
