import { rowsOf, type Executor } from '../db/executor.ts';

/** Makes partitions of the log ahead of need. Returns how many were made. */
export async function makePartitions(db: Executor): Promise<number> {
  const [row] = await rowsOf<{ made: number }>(db, 'select commitcast.make_partitions() as made');
  return row?.made ?? 0;
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
  for (const { name, detaching, to_position } of await partitionsBelow(db, position)) {
    const [row] = await rowsOf<{ floor: string }>(db, 'select commitcast.raise_floor($1) as floor', [
      to_position,
    ]);
    if (Number(row?.floor) < Number(to_position)) break; // not published yet
    // A detach that was cut off is finished; it can be neither repeated nor left.
    await db.query(
      `alter table commitcast.log detach partition commitcast."${name}" ${detaching ? 'finalize' : 'concurrently'}`,
    );
    await db.query(`drop table commitcast."${name}"`);
    dropped.push(name);
  }
  for (const { name } of await detachedBelow(db, position)) {
    await db.query(`drop table commitcast."${name}"`);
    dropped.push(name);
  }
  return dropped;
}

/** What a crash between detaching and dropping has left. */
function detachedBelow(db: Executor, position: number) {
  return rowsOf<{ name: string }>(
    db,
    `select relname::text as name from pg_catalog.pg_class c
     where relnamespace = 'commitcast'::regnamespace and relkind = 'r' and relname ~ '^log_[0-9]+$'
       and not relispartition and substr(relname, 5)::bigint < $1`,
    [position],
  );
}

function partitionsBelow(db: Executor, position: number) {
  return rowsOf<{ name: string; detaching: boolean; to_position: string }>(
    db,
    'select name, detaching, to_position from commitcast.partition where to_position <= $1 order by from_position',
    [position],
  );
}
