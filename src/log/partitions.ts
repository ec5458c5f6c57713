import { lockClass, locks } from '../db/advisory-lock.ts';
import { rowsOf, type Executor } from '../db/executor.ts';

/** A range of positions of the log: from `from`, below `to`. */
export interface Partition {
  name: string;
  from: number;
  to: number;
  /** A detach was cut off: no new snapshot sees it any more, and it can only be finished. */
  detaching: boolean;
}

/** Makes partitions of the log ahead of need. Returns how many were made. */
export async function makePartitions(db: Executor): Promise<number> {
  const [row] = await rowsOf<{ made: number }>(db, 'select commitcast.make_partitions() as made');
  return row?.made ?? 0;
}

/** Whether as many partitions lie ahead of the position as `makePartitions` would make. */
export async function hasPartitionsAhead(db: Executor, position: number): Promise<boolean> {
  const [row] = await rowsOf<{ ahead: boolean }>(
    db,
    'select max(to_position) >= $1::bigint + 2 * commitcast.partition_size() as ahead from commitcast.partition',
    [position],
  );
  return row?.ahead ?? false;
}

/** All partitions of the log, the oldest first. */
export async function readPartitions(db: Executor): Promise<Partition[]> {
  const rows = await rowsOf<{ name: string; from: string; to: string; detaching: boolean }>(
    db,
    `select name, from_position as from, to_position as to, detaching from commitcast.partition order by from_position`,
  );
  return rows.map((row) => ({ ...row, from: Number(row.from), to: Number(row.to) }));
}

/**
 * Drops the partitions that lie wholly below `position`. The floor is raised before anything goes, so a reader that
 * misses rows also sees why. No commit waits: DETACH CONCURRENTLY waits for readers without standing in the way, and
 * the drop touches only what is detached.
 *
 * @param db one connection of the log's owner, outside a transaction
 * @returns the names of the dropped partitions
 */
export async function dropPartitionsBelow(db: Executor, position: number): Promise<string[]> {
  const dropped: string[] = [];
  for (const partition of await readPartitions(db)) {
    if (partition.to > position || !(await dropPartition(db, partition))) break;
    dropped.push(partition.name);
  }
  return [...dropped, ...(await dropDetachedBelow(db, position))];
}

/** Drops one partition; `false`: not all of it is published, so it stays. Parameters as of `dropPartitionsBelow`. */
export async function dropPartition(db: Executor, { name, to, detaching }: Partition): Promise<boolean> {
  const [row] = await rowsOf<{ floor: string }>(db, 'select commitcast.raise_floor($1) as floor', [to]);
  if (Number(row?.floor) < to) return false;
  // A detach that was cut off is finished; it can be neither repeated nor left.
  await db.query(
    `alter table commitcast.log detach partition commitcast."${name}" ${detaching ? 'finalize' : 'concurrently'}`,
  );
  await db.query(`drop table commitcast."${name}"`);
  return true;
}

/** Drops what a crash between detaching and dropping has left. */
export async function dropDetachedBelow(db: Executor, position: number): Promise<string[]> {
  const found = await rowsOf<{ name: string }>(
    db,
    `select relname::text as name from pg_catalog.pg_class c
     where relnamespace = 'commitcast'::regnamespace and relkind = 'r' and relname ~ '^log_[0-9]+$'
       and not relispartition and substr(relname, 5)::bigint < $1`,
    [position],
  );
  for (const { name } of found) await db.query(`drop table commitcast."${name}"`);
  return found.map(({ name }) => name);
}

/**
 * Keeps makers of partitions away while `work` runs, so that none of them, and with it no COMMIT that makes partitions
 * as the last resort, can come to wait for a lock of ours: they see that somebody is at it, and go on.
 */
export async function withoutMakers<Result>(db: Executor, work: () => Promise<Result>): Promise<Result> {
  const key = [lockClass, locks.partition];
  await db.query('select pg_advisory_lock($1, $2)', key);
  try {
    return await work();
  } finally {
    // A session that is gone has let go of it.
    await db.query('select pg_advisory_unlock($1, $2)', key).catch(() => undefined);
  }
}
