import type { Client } from 'pg';

/** Names of types that are no keywords of SQL: a search path decides what they mean, in a declaration too. */
const types = `'{text,jsonb,jsonpath,xid8,timestamptz,uuid,tid,oid,name,regclass,pg_lsn,int4,int8,bool,bit}'::pg_catalog.text[]`;

/**
 * What warns, by name and role, when it runs, and else does what its namesake of `pg_catalog` does. A warning outlives a
 * rollback, and needs no rights.
 */
const springing = (kind: string) => `
  execute pg_catalog.format(
    'create function evil.%I(%s) returns pg_catalog.%I language plpgsql as $f$
     begin raise warning ''trap: %%, run as %%'', %L, current_user; return %s; end $f$',
    trap.name, trap.takes, trap.gives, ${kind}, trap.answer);`;

/** Every function and operator of `pg_catalog` that takes and returns such types, in a schema `evil`. */
const schemaOfTraps = `
  set check_function_bodies = off;
  do $traps$
  declare
    trap record;
  begin
    for trap in
      select p.proname as name, r.typname as gives,
        coalesce((select string_agg('pg_catalog.' || quote_ident(a.typname), ', ' order by n)
          from unnest(p.proargtypes) with ordinality as arg (type, n) join pg_catalog.pg_type a on a.oid = arg.type), '') as takes,
        format('pg_catalog.%I(%s)', p.proname,
          (select string_agg('$' || n, ', ' order by n) from generate_series(1, p.pronargs) n)) as answer
      from pg_catalog.pg_proc p join pg_catalog.pg_type r on r.oid = p.prorettype
      where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind = 'f' and not p.proretset and p.provariadic = 0
        and r.typname = any(${types} || '{void}')
        and not exists (
          select from unnest(p.proargtypes) as arg (type) join pg_catalog.pg_type a on a.oid = arg.type
          where a.typname <> all(${types})
        )
    loop
      ${springing(`'function ' || trap.name`)}
    end loop;

    -- Those of pg_catalog; and such as it has not, which would be a better match than what it has.
    for trap in
      select distinct o.oprname as operator, 'operator_' || o.oid as name, r.typname as gives,
        'pg_catalog.' || l.typname as l, 'pg_catalog.' || t.typname as r,
        format('pg_catalog.%I, pg_catalog.%I', l.typname, t.typname) as takes,
        format('$1 operator(pg_catalog.%s) $2', o.oprname) as answer
      from pg_catalog.pg_operator o join pg_catalog.pg_type l on l.oid = o.oprleft
        join pg_catalog.pg_type t on t.oid = o.oprright join pg_catalog.pg_type r on r.oid = o.oprresult
      where o.oprnamespace = 'pg_catalog'::regnamespace and l.typname = any(${types}) and t.typname = any(${types})
        and r.typname = any(${types})
      union all values
        ('%', 'rest', 'int8', 'pg_catalog.int8', 'pg_catalog.int4', 'pg_catalog.int8, pg_catalog.int4', '$1 operator(pg_catalog.%) $2::pg_catalog.int8'),
        ('=', 'same', 'bool', 'pg_catalog.oid', 'pg_catalog.regclass', 'pg_catalog.oid, pg_catalog.regclass', '$1 operator(pg_catalog.=) $2::pg_catalog.oid'),
        ('||', 'after', 'text', 'pg_catalog.text', 'commitcast.identifier', 'pg_catalog.text, commitcast.identifier', '$1 operator(pg_catalog.||) $2::pg_catalog.text'),
        ('=', 'equal', 'bool', 'commitcast.identifier', 'commitcast.identifier', 'commitcast.identifier, commitcast.identifier', '$1::pg_catalog.text operator(pg_catalog.=) $2::pg_catalog.text')
    loop
      ${springing(`'operator ' || trap.operator`)}
      execute format('create operator evil.%s (function = evil.%I, leftarg = %s, rightarg = %s)',
        trap.operator, trap.name, trap.l, trap.r);
    end loop;
    create function evil.jsonb_path_exists(jsonb, text) returns boolean language plpgsql as
      $f$ begin raise warning 'trap: jsonb_path_exists, run as %', current_user; return false; end $f$;
  end
  $traps$`;

/** Types that look at each value they get: in a schema, or among temporary objects, which are found before all others. */
const typesOfTraps = (schema: 'evil' | 'pg_temp') => `
  do $traps$
  declare
    type name;
  begin
    foreach type in array ${types} loop
      execute format(
        'create function ${schema}.%I(value pg_catalog.%I) returns pg_catalog.bool language plpgsql as $f$
         begin raise warning ''trap: %%, run as %%'', %L, current_user; return true; end $f$',
        'look_at_' || type, type, 'type ' || type);
      execute format('create domain ${schema}.%I as pg_catalog.%I check (${schema}.%I(value))',
        type, type, 'look_at_' || type);
    end loop;
  end
  $traps$`;

/** In a schema that the role has of its own; to be named before `pg_catalog` in a search path. */
export async function layTraps(client: Client): Promise<void> {
  await client.query(schemaOfTraps);
  await client.query(typesOfTraps('evil'));
}

/** For this session: they need nothing but the right to temporary objects, which is everybody's. */
export async function layTemporaryTraps(client: Client): Promise<void> {
  await client.query(typesOfTraps('pg_temp'));
}

export interface Sprung {
  what: string;
  as: string;
}

/** The traps that are sprung on this connection from now on; the list grows. */
export function watchTraps(client: Client): Sprung[] {
  const sprung: Sprung[] = [];
  client.on('notice', ({ message = '' }) => {
    const [, what, as] = /^trap: (.*), run as (.*)$/s.exec(message) ?? [];
    if (what !== undefined && as !== undefined) sprung.push({ what, as });
  });
  return sprung;
}
