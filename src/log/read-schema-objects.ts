import { rowsOf, type Executor } from '../db/executor.ts';

/** What is in the schema `commitcast`, by kind and name. */
export interface SchemaObject {
  kind: 'table' | 'view' | 'sequence' | 'function' | 'type';
  name: string;
}

// Without what belongs to something else: partitions of the log, also one that is about to be dropped; the sequence of
// an identity column; the row type of a table.
const sql = `
  select case c.relkind when 'v' then 'view' when 'm' then 'view' when 'S' then 'sequence' else 'table' end as kind,
    c.relname::text as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'commitcast' and c.relkind in ('r', 'p', 'f', 'v', 'm', 'S') and c.relname !~ '^log_[0-9]+$'
    and not exists (
      select from pg_depend d
      where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.refobjsubid > 0 and d.deptype in ('a', 'i')
    )
  union
  select 'function', p.proname::text
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'commitcast'
  union
  select 'type', t.typname::text
  from pg_type t join pg_namespace n on n.oid = t.typnamespace
  where n.nspname = 'commitcast' and t.typtype in ('d', 'e', 'r')
  order by 1, 2`;

export function readSchemaObjects(db: Executor): Promise<SchemaObject[]> {
  return rowsOf<SchemaObject>(db, sql);
}
