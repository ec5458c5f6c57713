import { rowsOf, type Executor } from '../db/executor.ts';
import { presentEpochSql } from '../log/present-epoch.ts';

/** A partition without a sign of life of its worker for so long is taken by another one. */
export const leaseMs = 5_000;

/** What a worker holds at this moment. */
export interface HeldPartition {
  /** Of the history that the position is of; `undefined` when nobody has opened one for what the database has now. */
  epoch: string | undefined;
  partition: number;
  position: number;
  generation: number;
  attempts: number;
  error: string | undefined;
  suspect: boolean;
  failed: boolean;
  paused: boolean;
  rebuild: boolean;
  /** An operator wants something of what is parked. */
  asked: boolean;
  /** Partitions that this worker should have at most, by the number of those who work. */
  share: number;
}

type Row = Omit<HeldPartition, 'epoch' | 'position' | 'generation' | 'error'> & {
  epoch: string | null;
  position: string;
  generation: string;
  error: string | null;
};

/** Shows that the worker lives, takes partitions that nobody has, and returns all that it has. */
export async function keepLeases(db: Executor, name: string, worker: string): Promise<HeldPartition[]> {
  const rows = await rowsOf<Row>(
    db,
    `select *, ${presentEpochSql} as epoch from commitcast.keep_consumer($1, $2, $3 * interval '1 millisecond')`,
    [name, worker, leaseMs],
  );
  return rows.map((row) => ({
    ...row,
    position: Number(row.position),
    generation: Number(row.generation),
    error: row.error ?? undefined,
    epoch: row.epoch ?? undefined,
  }));
}

/** Keeps what the worker has while it comes to an end, and takes nothing more. */
export async function extendLeases(db: Executor, name: string, worker: string): Promise<void> {
  await db.query(
    `update commitcast.consumer_lease set expires_at = clock_timestamp() + $3 * interval '1 millisecond'
     where name = $1 and worker = $2`,
    [name, worker, leaseMs],
  );
}

/** Lets a partition go, so that nobody has to wait for the end of the lease. */
export async function releaseLease(
  db: Executor,
  name: string,
  worker: string,
  partition: number,
): Promise<void> {
  await db.query(
    `update commitcast.consumer_lease set worker = null, expires_at = null
     where name = $1 and partition = $2 and worker = $3`,
    [name, partition, worker],
  );
}

/** The worker is gone, for good. */
export async function forgetWorker(db: Executor, name: string, worker: string): Promise<void> {
  await db.query('delete from commitcast.consumer_worker where name = $1 and worker = $2', [name, worker]);
}
