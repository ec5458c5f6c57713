import { rowsOf, type Executor } from '../db/executor.ts';

export interface Publication {
  published: number;
  floor: number;
  /** Highest position in the log; 0: it has none. */
  last: number;
  /** Age of the oldest event that is not published; `null`: there is none. */
  unpublishedMs: number | null;
}

interface Row {
  published: string;
  floor: string;
  last: string | null;
  unpublished_ms: number | null;
}

/** How what was published and what is in the log go together. Reads all partitions, so it is not for every second. */
export async function readPublication(db: Executor): Promise<Publication> {
  const [row] = await rowsOf<Row>(
    db,
    `select r.published, r.floor, (select max(position) from commitcast.log) as last,
       (select (extract(epoch from clock_timestamp() - l.committed_at) * 1000)::float8 from commitcast.log l
        where l.position > r.published order by l.position limit 1) as unpublished_ms
     from commitcast.relay r`,
  );
  if (!row) throw new Error('commitcast.relay has lost its row');
  return {
    published: Number(row.published),
    floor: Number(row.floor),
    last: Number(row.last ?? 0),
    unpublishedMs: row.unpublished_ms,
  };
}
