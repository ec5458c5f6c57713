import type { Executor } from '../../db/executor.ts';

/** Rows that transactions change; two transactions rarely meet on one. */
const units = 1_000;
/** Row that the backlog changes. */
const backlogUnit = 0;

const unitTable = (name: string) => `
  create table ${name} (id int primary key, n bigint not null default 0) with (fillfactor = 50);
  insert into ${name} select generate_series(${backlogUnit}, ${units});`;

/** What transactions change, and a table with the columns and the indexes of the log for those without the outbox. */
const setUpSql = `
  create schema bench;
  ${unitTable('bench.unit')}
  ${unitTable('bench.plain_unit')}
  create sequence bench.plain_position;
  create table bench.plain (like commitcast.log including all);
  alter table bench.plain alter position set default nextval('bench.plain_position')`;

export async function createTables(db: Executor): Promise<void> {
  await db.query(setUpSql);
}

/** A statement that is planned once a session. */
export interface Prepared {
  name: string;
  text: string;
}

const dataSql = (n: string, sent: string) =>
  `jsonb_build_object('celsius', 4.5, 'humidity', 81, 'door', 'shut', 'n', ${n}, 'sent', ${sent})`;

const changeSql = (table: string) =>
  `with changed as (update ${table} set n = n + 1 where id = $1::int returning 'u' || id as unit, n)`;

/**
 * Changes unit `$1` and tells it, with the number of its change: so the order of the events is known from the rows
 * themselves. One statement, for what the client and the network cost would hide what the database does. `$2` is null, or
 * says which of the timed transactions this is.
 */
export const intoOutbox: Prepared = {
  name: 'bench_outbox',
  text: `${changeSql('bench.unit')}
    insert into commitcast.outbox (org_id, site_id, unit_id, type, data)
    select 'acme', 's1', unit, 'reading.recorded', ${dataSql('n', '$2::int')} from changed`,
};

/** The same, and the same row, without Commitcast. */
export const intoPlain: Prepared = {
  name: 'bench_plain',
  text: `${changeSql('bench.plain_unit')}
    insert into bench.plain
      (org_id, site_id, unit_id, type, data, id, created_at, committed_at, timeline, log_oid, control, room)
    select 'acme', 's1', unit, 'reading.recorded', ${dataSql('n', '$2::int')}, gen_random_uuid(), clock_timestamp(),
      clock_timestamp(), 1, 1, false, commitcast.room_of('acme', 's1', unit)
    from changed`,
};

/** A change alone. */
export const changeOnly: Prepared = {
  name: 'bench_change',
  text: 'update bench.plain_unit set n = n + 1 where id = $1::int',
};

export const roundTrip: Prepared = { name: 'bench_round_trip', text: 'select 1' };

export function randomUnit(): number {
  return 1 + Math.floor(Math.random() * units);
}

/** Tells so many changes of one unit in one transaction. */
export async function writeMany(db: Executor, events: number): Promise<void> {
  await db.query(
    `with changed as (update bench.unit set n = n + $1::int where id = ${backlogUnit} returning n)
     insert into commitcast.outbox (org_id, site_id, unit_id, type, data)
     select 'acme', 's1', 'u${backlogUnit}', 'reading.recorded', ${dataSql('told', 'null::int')}
     from changed, generate_series(n - $1::int + 1, n) told order by told`,
    [events],
  );
}

/** How many changes were committed whose events the log must have: by the rows, not by who wrote them. */
export async function countChanges(db: Executor): Promise<number> {
  const { rows } = await db.query('select sum(n)::text as changes from bench.unit');
  return Number((rows[0] as { changes: string }).changes);
}
