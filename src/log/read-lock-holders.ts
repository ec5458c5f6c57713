import { lockClass } from '../db/advisory-lock.ts';
import { rowsOf, type Executor } from '../db/executor.ts';

/** A session that holds one of our advisory locks in this database. */
export interface LockHolder {
  key: number;
  mode: 'ExclusiveLock' | 'ShareLock';
  /** Virtual transaction id: names one transaction of one backend. */
  transaction: string;
  pid: number;
  /** Empty where our role may not see it. */
  applicationName: string;
  role: string;
  /** As in `pg_stat_activity`; empty where our role may not see it. */
  state: string;
  /** Such as `SyncRep`; empty: it waits for nothing. */
  waitEvent: string;
  /** Since its present or last statement began. */
  statementMs: number | null;
}

const sql = `
  select l.objid::int8::int as key, l.mode, l.virtualtransaction as transaction, l.pid,
    coalesce(a.application_name, '') as "applicationName", coalesce(a.usename::text, '') as role,
    coalesce(a.state, '') as state, coalesce(a.wait_event, '') as "waitEvent",
    (extract(epoch from clock_timestamp() - a.query_start) * 1000)::float8 as "statementMs"
  from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a on a.pid = l.pid
  where l.locktype = 'advisory' and l.granted and l.pid is not null and l.objsubid = 2 and l.classid = $1
    and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
  order by 1, 4`;

export function readLockHolders(db: Executor): Promise<LockHolder[]> {
  return rowsOf<LockHolder>(db, sql, [lockClass]);
}
