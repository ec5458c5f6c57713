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

interface Row {
  epoch: string;
  published: string;
  last: string | null;
  floor: string;
}

/**
 * All of it is of one statement. What it begins to look for `last` at is read before: a number that the planner knows
 * leaves out the partitions below it, and 500 of them cost 0.1 s.
 */
export async function readHead(db: Executor): Promise<Head> {
  for (;;) {
    const since = await readPublished(db);
    const [row] = await rowsOf<Row>(
      db,
      `select (select epoch from commitcast.epoch order by ordinal desc limit 1) as epoch, published, floor,
         (select max(position) from commitcast.log where position > $1) as last
       from commitcast.relay`,
      [since],
    );
    if (!row) throw lost();
    const published = Number(row.published);
    // It never goes back: the database was replaced in between, and what it has may be below.
    if (published < since) continue;
    return {
      epoch: row.epoch,
      published,
      last: Math.max(Number(row.last ?? 0), published),
      floor: Number(row.floor),
    };
  }
}

/** The published position, as it was saved last. */
export async function readPublished(db: Executor): Promise<number> {
  const [row] = await rowsOf<{ published: string }>(db, 'select published from commitcast.relay');
  if (!row) throw lost();
  return Number(row.published);
}

const lost = () => new Error('commitcast.relay has lost its row');
