import type { Client } from 'pg';

/** A way to say an event in the business transaction. */
export interface Way {
  /** Of pgbench: the whole transaction. */
  script: string;
  /** Inserts the events `$1` to `$2` of row 0. */
  bulk: string;
  /** Where the events are afterwards. */
  table: string;
}

/** What everybody's transactions change, and the tables of those who do without the outbox. */
export const setUp = `
  create table hot (id int primary key, n bigint not null default 0) with (fillfactor = 50);
  insert into hot select generate_series(0, 1000);
  create sequence plain_position;
  create table plain (like commitcast.log including all);
  alter table plain alter position set default nextval('plain_position');

  create table notified (like plain including all);
  create function notify_each() returns trigger language plpgsql as
    $$ begin perform pg_notify('bench', new.position::text); return null; end $$;
  create trigger notify_each after insert on notified for each row execute function notify_each();

  -- As the brokers do that keep a stream in the database: who publishes has the lock of a shard until his transaction
  -- ends, so that the numbers of a shard are committed in order.
  create table published (like plain including all);
  create function publish(unit text, data jsonb) returns void language plpgsql as $$
  declare
    shard int := hashtext(unit) & 15;
  begin
    perform pg_advisory_xact_lock(16, shard);
    ${insertLike('published', 'unit', 'data', 'values')};
    perform pg_notify('bench', shard::text);
  end $$;`;

const dataOf = (n: string) => `jsonb_build_object('celsius', 4.5, 'humidity', 81, 'door', 'shut', 'n', ${n})`;
const unit = `'u' || :row::bigint`;
const ofRow = `${unit}, ${dataOf(':n::bigint')}`;
const ofBulk = `'u0', ${dataOf('n')}`;
const allOfBulk = 'from generate_series($1::bigint, $2::bigint) n';

/** A table with the columns and the indexes of the log. */
export function intoLogLike(table: 'plain' | 'notified'): Way {
  return {
    script: scriptOf(insertLike(table, unit, dataOf(':n::bigint'), 'values')),
    bulk: `${insertLike(table, `'u0'`, dataOf('n'), 'select')} ${allOfBulk}`,
    table,
  };
}

const outboxColumns = 'commitcast.outbox (org_id, site_id, unit_id, type, data)';

export const intoOutbox: Way = {
  script: scriptOf(
    `insert into ${outboxColumns} values ('acme', 's1', ${unit}, 'reading.recorded', ${dataOf(':n::bigint')})`,
  ),
  bulk: `insert into ${outboxColumns} select 'acme', 's1', 'u0', 'reading.recorded', ${dataOf('n')} ${allOfBulk}`,
  table: 'commitcast.log',
};

export const viaPublish: Way = {
  script: scriptOf(`select publish(${ofRow})`),
  bulk: `select publish(${ofBulk}) ${allOfBulk}`,
  table: 'published',
};

function insertLike(table: string, unit: string, data: string, how: 'values' | 'select'): string {
  const values = `'acme', 's1', ${unit}, 'reading.recorded', ${data}, gen_random_uuid(), clock_timestamp(), clock_timestamp(),
    1, 1, false, commitcast.room_of('acme', 's1', ${unit})`;
  return `insert into ${table}
    (org_id, site_id, unit_id, type, data, id, created_at, committed_at, timeline, log_oid, control, room)
    ${how === 'values' ? `values (${values})` : `select ${values}`}`;
}

function scriptOf(statement: string): string {
  return `\\set row random(1, 1000)
begin;
update hot set n = n + 1 where id = :row returning n \\gset
${statement.replaceAll(/\s+/g, ' ')};
commit;
`;
}

export interface Told {
  missed: number;
  doubled: number;
  disordered: number;
  /** Positions that nobody has. */
  dead: number;
}

/**
 * Compares the events with what was changed, which the rows know by themselves: a row with `n` has changed `n` times.
 *
 * @throws {Error} when the rows have not changed so often
 */
export async function checkTold(db: Client, { table }: Way, changes: number): Promise<Told> {
  const { rows } = await db.query<Record<'changed' | 'told' | 'once' | 'disordered' | 'dead', string>>(`
    with event as (
      select position, unit_id, (data->>'n')::bigint as n,
        lag((data->>'n')::bigint, 1, 0::bigint) over (partition by unit_id order by position) as before
      from ${table}
    )
    select (select sum(n) from hot) as changed, count(*) as told, count(distinct (unit_id, n)) as once,
      count(*) filter (where n < before) as disordered, max(position) - count(*) as dead
    from event`);
  const [row] = rows;
  const [changed, told, once] = [Number(row?.changed), Number(row?.told), Number(row?.once)];
  if (changed !== changes) throw new Error(`${changes} changes were committed, the rows say ${changed}`);
  return {
    missed: changed - once,
    doubled: told - once,
    disordered: Number(row?.disordered),
    dead: Number(row?.dead),
  };
}
