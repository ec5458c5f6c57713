import { rowsOf, type Executor } from '../db/executor.ts';

/**
 * Opens a new epoch when the database is another one than the last epoch's; with `force`, also when it is not. Returns
 * the one in force.
 */
export async function openEpoch(db: Executor, { force = false } = {}): Promise<string> {
  const [row] = await rowsOf<{ epoch: string }>(db, 'select commitcast.open_epoch($1) as epoch', [force]);
  if (!row) throw new Error('commitcast.open_epoch() returned nothing');
  return row.epoch;
}

/** Last position of the epoch, `Infinity` for the one in force, `undefined` for one that this database never had. */
export async function readEpochEnd(db: Executor, epoch: string): Promise<number | undefined> {
  // The least end of all epochs that came after: a later one may have begun further back.
  const [row] = await rowsOf<{ ending: string | null }>(
    db,
    `select (select min(later.previous_end) from commitcast.epoch later where later.ordinal > e.ordinal) as ending
     from commitcast.epoch e where e.epoch = $1`,
    [epoch],
  );
  if (!row) return undefined;
  return row.ending === null ? Infinity : Number(row.ending);
}
