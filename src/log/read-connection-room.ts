import { rowsOf, type Executor } from '../db/executor.ts';

/** A limit of connections, and how many are taken of it. */
export interface ConnectionLimit {
  of: 'server' | 'database' | 'role';
  most: number;
  used: number;
}

// Neither the limit of a database nor that of a role holds for a superuser.
const sql = `
  with session as (select datid, usesysid from pg_catalog.pg_stat_activity where datid is not null)
  select 'server' as of, (select count(*)::int from session) as used,
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
      - coalesce(current_setting('reserved_connections', true), '0')::int as most
  union all
  select 'database', (select count(*)::int from session where datid = d.oid), d.datconnlimit
  from pg_catalog.pg_database d, pg_catalog.pg_roles r
  where d.datname = current_database() and d.datconnlimit >= 0 and r.rolname = current_user and not r.rolsuper
  union all
  select 'role', (select count(*)::int from session where usesysid = r.oid), r.rolconnlimit
  from pg_catalog.pg_roles r where r.rolname = current_user and r.rolconnlimit >= 0 and not r.rolsuper`;

/** The limits of connections that hold for our role here. */
export function readConnectionLimits(db: Executor): Promise<ConnectionLimit[]> {
  return rowsOf<ConnectionLimit>(db, sql);
}
