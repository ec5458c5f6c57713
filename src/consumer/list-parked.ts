import { rowsOf } from '../db/executor.ts';
import { executorOf, type Transaction } from '../log/transaction.ts';
import { expectKnown } from './operate.ts';

/** An event that a consumer has put aside. */
export interface ParkedDetail {
  name: string;
  partition: number;
  position: number;
  org: string;
  /** What goes wrong together: the org, or the org and the stream, with a slash between. */
  lane: string;
  /** `null`: nothing is wrong with it, it waits behind one that is. */
  error: string | null;
  attempts: number;
  parkedAt: Date;
  /** What an operator has asked for, and no worker has done yet. */
  asked: 'retry' | 'drop' | null;
  /** Of the event; `null` when it has none, or is no longer kept. */
  type: string | null;
  stream: string | null;
  /** The event is no longer kept: it can only be dropped. */
  expired: boolean;
}

type Row = Omit<ParkedDetail, 'position'> & { position: string };

/**
 * What is parked, by consumer and position; of one consumer, or of all.
 *
 * @throws {CommitcastError} `CONSUMER_UNKNOWN`
 */
export async function listParked(
  db: Transaction,
  name?: string,
  { limit = 1_000 }: { limit?: number } = {},
): Promise<ParkedDetail[]> {
  if (name !== undefined) await expectKnown(db, name);
  const rows = await rowsOf<Row>(
    executorOf(db),
    `select p.name, p.partition, p.position, p.org_id as org, p.lane, p.error, p.attempts, p.parked_at as "parkedAt",
       p.asked, e.type, e.stream, e.position is null as expired
     from (
       select * from commitcast.parked where $1::text is null or name = $1 order by name, position limit $2
     ) p
       left join lateral (
         select position, type, stream from commitcast.log where log.position = p.position limit 1
       ) e on true
     order by p.name, p.position`,
    [name ?? null, limit],
  );
  return rows.map((row) => ({ ...row, position: Number(row.position) }));
}
