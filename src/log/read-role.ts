import { rowsOf, type Executor } from '../db/executor.ts';

export interface RoleFacts {
  name: string;
  superuser: boolean;
  /** Who owns the log: only they may drop its partitions. */
  owner: string;
  owns: boolean;
}

/** Who we are to this database. */
export async function readRole(db: Executor): Promise<RoleFacts> {
  const [row] = await rowsOf<RoleFacts>(
    db,
    `select r.rolname::text as name, r.rolsuper as superuser, pg_get_userbyid(c.relowner)::text as owner,
       pg_has_role(r.oid, c.relowner, 'usage') as owns
     from pg_roles r, pg_class c join pg_namespace n on n.oid = c.relnamespace
     where r.rolname = current_user and n.nspname = 'commitcast' and c.relname = 'log'`,
  );
  if (!row) throw new Error('there is no table commitcast.log');
  return row;
}
