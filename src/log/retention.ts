import { rowsOf, type Executor } from '../db/executor.ts';
import {
  dropDetachedBelow,
  dropPartition,
  readPartitions,
  withoutMakers,
  type Partition,
} from './partitions.ts';

/**
 * Below Postgres' `deadlock_timeout` of one second: a transaction that saw a partition before it went, and reads it
 * while the drop waits for that very transaction, is never chosen as the victim of a deadlock, and waits this long at
 * most.
 */
const shortWaitMs = 300;
/** When nobody can see the partition any more: statements on other tables are all that is waited for. */
const longWaitMs = 20_000;

/** Several of the last: commits that were stamped at the same moment may have got their positions the other way round. */
const newestRows = 100;

/**
 * Drops the oldest partition, if everything in it was committed longer ago than `retentionMs` and is published; or what
 * an earlier attempt has left half done. Call it again until it returns `undefined`: there is nothing more to do now.
 *
 * No commit waits for it. Its own waits for locks are short; it fails with a `lock_timeout` (SQLSTATE 55P03), and what
 * it has begun is finished by the next call.
 *
 * @param db one connection of the log's owner, outside a transaction; its `lock_timeout` is changed
 * @returns the name of what was dropped
 */
export async function dropExpired(db: Executor, retentionMs: number): Promise<string | undefined> {
  await setPatience(db, shortWaitMs);
  return withoutMakers(db, async () => {
    const [left] = await dropDetachedBelow(db, await readFloor(db));
    if (left !== undefined) return left;
    const [oldest] = await readPartitions(db);
    if (!oldest) return undefined;
    if (oldest.detaching) {
      if (!(await isSeen(db, oldest))) await setPatience(db, longWaitMs);
    } else if (!(await isExpired(db, oldest, retentionMs))) return undefined;
    return (await dropPartition(db, oldest)) ? oldest.name : undefined;
  });
}

/**
 * Whether all of a partition is published and older than `retentionMs`, by the clock of the database. It costs the last
 * rows of the partition, by their positions, whatever its size.
 */
export async function isExpired(
  db: Executor,
  { from, to }: Pick<Partition, 'from' | 'to'>,
  retentionMs: number,
): Promise<boolean> {
  const [row] = await rowsOf<{ expired: boolean }>(
    db,
    // A partition without any row has nothing that would have to be kept.
    `select published + 1 >= $2::bigint and coalesce((
       select max(committed_at) from (
         select committed_at from commitcast.log where position >= $1 and position < $2
         order by position desc limit ${newestRows}
       ) newest
     ) < clock_timestamp() - make_interval(secs => $3), true) as expired
     from commitcast.relay`,
    [from, to, retentionMs / 1_000],
  );
  return row?.expired ?? false;
}

/** Whether somebody holds a lock on a partition whose detach was cut off, or has a snapshot that shows it still. */
async function isSeen(db: Executor, { name }: Partition): Promise<boolean> {
  const [row] = await rowsOf<{ seen: boolean }>(
    db,
    `select exists (
       select from pg_catalog.pg_stat_activity a
       where a.datname = current_database() and a.pid <> pg_backend_pid() and age(a.backend_xmin) >= age(i.xmin)
     ) or exists (
       select from pg_catalog.pg_locks l
       where l.relation = i.inhrelid and l.pid <> pg_backend_pid()
         and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
     ) as seen
     from pg_catalog.pg_inherits i where i.inhrelid = to_regclass($1)`,
    [`commitcast.${name}`],
  );
  return row?.seen ?? false;
}

/** The oldest position that is kept. */
export async function readFloor(db: Executor): Promise<number> {
  const [row] = await rowsOf<{ floor: string }>(db, 'select floor from commitcast.relay');
  return Number(row?.floor ?? 0);
}

async function setPatience(db: Executor, ms: number): Promise<void> {
  await db.query(`set lock_timeout = ${ms}`);
}
