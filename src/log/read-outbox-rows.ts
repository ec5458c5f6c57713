import { rowsOf, type Executor } from '../db/executor.ts';

export interface OutboxRows {
  /** Rows of transactions that have ended; at most 100,000 are counted. */
  ended: number;
  /** Since the oldest of them was inserted; `null`: there are none. */
  oldestMs: number | null;
  /** Rows of transactions that this server has not come to: from a dump of another one. */
  foreign: number;
}

/** Rows that have been left in the outbox. Rows of open transactions are seen by nobody else. */
export async function readOutboxRows(db: Executor): Promise<OutboxRows> {
  const [row] = await rowsOf<OutboxRows>(
    db,
    `select count(*) filter (where not ahead)::int as ended, count(*) filter (where ahead)::int as foreign,
       (extract(epoch from clock_timestamp() - min(created_at) filter (where not ahead)) * 1000)::float8 as "oldestMs"
     from (
       select created_at, tx >= pg_snapshot_xmax(pg_current_snapshot()) as ahead from commitcast.outbox limit 100000
     ) visible`,
  );
  if (!row) throw new Error('an aggregate returned nothing');
  return row;
}
