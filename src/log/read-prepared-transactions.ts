import { lockClass, locks } from '../db/advisory-lock.ts';
import { rowsOf, type Executor } from '../db/executor.ts';

export interface PreparedTransaction {
  gid: string;
  owner: string;
  ageMs: number;
  /** It has given positions: nothing that came later is settled before it ends. */
  holdsCommitting: boolean;
}

// A prepared transaction keeps its locks without a process; the one on its own id says which are its.
const sql = `
  select p.gid, p.owner::text, (extract(epoch from clock_timestamp() - p.prepared) * 1000)::float8 as "ageMs",
    exists (
      select from pg_catalog.pg_locks own
      join pg_catalog.pg_locks held on held.virtualtransaction = own.virtualtransaction and held.pid is null
      where own.locktype = 'transactionid' and own.transactionid = p.transaction and own.pid is null
        and held.locktype = 'advisory' and held.objsubid = 2 and held.classid = $1 and held.objid = $2
    ) as "holdsCommitting"
  from pg_catalog.pg_prepared_xacts p where p.database = current_database() order by p.prepared`;

/** Transactions of this database that were prepared, and neither committed nor rolled back; the oldest first. */
export function readPreparedTransactions(db: Executor): Promise<PreparedTransaction[]> {
  return rowsOf<PreparedTransaction>(db, sql, [lockClass, locks.committing]);
}
