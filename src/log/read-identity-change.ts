import { rowsOf, type Executor } from '../db/executor.ts';

export interface IdentityChange {
  epoch: string;
  /** What is not what it was when the epoch was opened; empty: it is the same history. */
  changed: string[];
}

/** Whether this is the database that the epoch in force was opened for. Only on a primary. */
export async function readIdentityChange(db: Executor): Promise<IdentityChange> {
  const [row] = await rowsOf<IdentityChange>(
    db,
    `select e.epoch, array_remove(array[
       case when e.system_identifier <> i.system_identifier then 'server' end,
       case when e.timeline <> i.timeline then 'timeline' end,
       case when e.database_oid <> i.database_oid then 'database' end,
       case when e.log_oid <> i.log_oid then 'log' end
     ], null) as changed
     from commitcast.epoch e, commitcast.identity i order by e.ordinal desc limit 1`,
  );
  if (!row) throw new Error('commitcast.epoch has no row');
  return row;
}
