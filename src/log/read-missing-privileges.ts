import { rowsOf, type Executor } from '../db/executor.ts';

/** One right: on a table by its name, or on a function by its name and the types of its arguments. */
export interface Privilege {
  kind: 'schema' | 'table' | 'function';
  object: string;
  privilege: string;
}

// By the catalog: whoever may not use the schema cannot name what is in it.
const sql = `
  select p.kind, p.object, p.privilege
  from unnest($1::text[], $2::text[], $3::text[]) with ordinality as p (kind, object, privilege, n)
  left join pg_namespace s on s.nspname = 'commitcast'
  left join pg_class c on p.kind = 'table' and c.relnamespace = s.oid and c.relname = p.object
  left join pg_proc f on p.kind = 'function' and f.pronamespace = s.oid
    and f.proname || '(' || oidvectortypes(f.proargtypes) || ')' = p.object
  where not coalesce(case p.kind
    when 'schema' then has_schema_privilege(s.oid, p.privilege)
    when 'table' then has_table_privilege(c.oid, p.privilege)
    else has_function_privilege(f.oid, p.privilege)
  end, false)
  order by n`;

/** Which of these rights our role does not have in the schema `commitcast`. */
export function readMissingPrivileges(db: Executor, needed: readonly Privilege[]): Promise<Privilege[]> {
  return rowsOf<Privilege>(db, sql, [
    needed.map(({ kind }) => kind),
    needed.map(({ object }) => object),
    needed.map(({ privilege }) => privilege),
  ]);
}
