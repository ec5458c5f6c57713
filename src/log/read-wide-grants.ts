import { rowsOf, type Executor } from '../db/executor.ts';

export interface Grant {
  table: string;
  /** `public`: everybody. */
  role: string;
  privilege: string;
}

// Writers have columns of the outbox: with all of it they could write control events.
const sql = `
  select c.relname::text as "table", x.privilege_type as privilege,
    case x.grantee when 0 then 'public' else pg_get_userbyid(x.grantee)::text end as role
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) x
  where n.nspname = 'commitcast' and x.grantee <> c.relowner
    and (c.relname in ('log', 'committing', 'outbox', 'epoch', 'erasure') or c.relname ~ '^log_[0-9]+$')
    and x.privilege_type in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER')
  order by 1, 3, 2`;

/** Rights to write where only the owner's functions write, for anybody but the owner. */
export function readWideGrants(db: Executor): Promise<Grant[]> {
  return rowsOf<Grant>(db, sql);
}
