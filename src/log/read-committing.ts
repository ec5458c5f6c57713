import { lockClass, locks } from '../db/advisory-lock.ts';
import { rowsOf, type Executor } from '../db/executor.ts';

/** A transaction that is giving positions at this moment. */
export interface Committer {
  /** Virtual transaction id: names one transaction of one backend, not the backend. */
  transaction: string;
  pid: number;
  applicationName: string;
  /** Milliseconds since the transaction began. */
  ageMs: number;
}

const sql = `
  select l.virtualtransaction as transaction, l.pid, coalesce(a.application_name, '') as application_name,
    coalesce(extract(epoch from clock_timestamp() - a.xact_start) * 1000, 0)::float8 as age_ms
  from pg_catalog.pg_locks l
  left join pg_catalog.pg_stat_activity a on a.pid = l.pid
  where l.locktype = 'advisory' and l.granted and l.objsubid = 2 and l.classid = $1 and l.objid = $2
    and l.database = (select oid from pg_catalog.pg_database where datname = current_database())`;

/** Who holds COMMITTING in this database. Advisory locks are per database; their keys in other forms are not ours. */
export async function readCommitting(db: Executor): Promise<Committer[]> {
  const rows = await rowsOf<{ transaction: string; pid: number; application_name: string; age_ms: number }>(
    db,
    sql,
    [lockClass, locks.committing],
  );
  return rows.map(({ transaction, pid, application_name, age_ms }) => ({
    transaction,
    pid,
    applicationName: application_name,
    ageMs: age_ms,
  }));
}
