import type { Client } from 'pg';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../../src/core/logger.ts';
import { connect } from '../../src/db/connection.ts';
import { makePartitions } from '../../src/log/partitions.ts';
import { sqlStateOf } from '../../src/db/sql-state.ts';
import { dropExpired, isExpired } from '../../src/log/retention.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { insertEvent, pidOf, typesInLog, untilBlocked } from '../support/transactions.ts';
import { until } from '../support/until.ts';

const size = 131_072;
const hour = 3_600_000;
let database: TestDatabase;
let db: Client;

beforeEach(async () => {
  database = await createDatabase();
  db = await database.connect();
});

const query = (text: string, values?: unknown[]) =>
  database.pool.query<Record<string, unknown>>(text, values);

/** Events of these types at the beginning of the partition, committed so many hours ago by the log. */
async function fill(partition: number, events: Record<string, number>): Promise<void> {
  const from = partition * size + 1;
  await query(`select setval('commitcast.position', $1, false)`, [from]);
  await makePartitions(db);
  for (const type of Object.keys(events)) await insertEvent(db, type);
  await query(`alter table commitcast.log_${from} disable trigger append_only`);
  for (const [type, hours] of Object.entries(events))
    await query(
      `update commitcast.log_${from} set committed_at = now() - make_interval(hours => $2) where type = $1`,
      [type, hours],
    );
  await query(`alter table commitcast.log_${from} enable always trigger append_only`);
  await query(`update commitcast.relay set published = (select max(position) from commitcast.log)`);
}

const names = async () => (await query('select name from commitcast.partition order by from_position')).rows;
const detaching = async () =>
  (await query('select name from commitcast.partition where detaching')).rows.map(({ name }) => name);
const floor = async () => Number((await query('select floor from commitcast.relay')).rows[0]?.['floor']);

/** How long the statement of this connection has been running. */
async function waitingForMs(client: Client): Promise<number> {
  const { rows } = await query(
    'select extract(epoch from clock_timestamp() - query_start) * 1000 as ms from pg_stat_activity where pid = $1',
    [pidOf(client)],
  );
  return Number(rows[0]?.['ms']);
}

/** Who writes for long in another database of the cluster makes every new snapshot of ours look old. */
async function untilUnseen(): Promise<void> {
  await until(async () => {
    const { rows } = await query(
      `select pg_snapshot_xmin(pg_current_snapshot())::text::bigint > xmin::text::bigint as young
       from pg_inherits where inhrelid = to_regclass('commitcast.log_1')`,
    );
    return rows[0]?.['young'] === true;
  });
}

/** Others may have had their snapshots at the very moment of the look. */
async function dropPatiently(): Promise<string | undefined> {
  for (;;) {
    try {
      return await dropExpired(db, hour);
    } catch (error) {
      if (sqlStateOf(error) !== '55P03') throw error;
    }
  }
}

/** A transaction whose snapshot is older than all that follows; it has read the log, or not yet. */
async function openReader(statement: string): Promise<Client> {
  const reader = await database.connect();
  await reader.query('begin isolation level repeatable read');
  await reader.query(statement);
  return reader;
}

/** The floor is raised and the detach begun; then a reader keeps it from being finished. */
async function cutOff(reader: Client): Promise<void> {
  await expect(dropExpired(db, hour)).rejects.toMatchObject({ code: '55P03' });
  expect(await detaching()).toEqual(['log_1']);
  expect(await floor()).toBe(size + 1);
  expect(await typesInLog(database.pool)).toEqual(['now']);
  expect(await typesInLog(reader)).toEqual(['old', 'now']);
}

describe('a partition goes', () => {
  it('when its newest event is older than the retention, one at each call', async () => {
    await fill(0, { 'three hours': 3 });
    await fill(1, { 'two hours': 2 });
    await fill(2, { now: 0 });
    expect(await dropExpired(db, hour)).toBe('log_1');
    expect(await floor()).toBe(size + 1);
    expect(await dropExpired(db, hour)).toBe(`log_${size + 1}`);
    expect(await dropExpired(db, hour)).toBeUndefined();
    expect(await typesInLog(db)).toEqual(['now']);
    expect(await floor()).toBe(2 * size + 1);
  });

  it.each<[string, Record<string, number>]>([
    ['one of its events is younger: retention is a lower bound', { old: 3, young: 0 }],
    ['its last events were stamped in another order than their positions', { old: 3, young: 0, older: 2 }],
  ])('not while %s', async (_case, events) => {
    await fill(0, events);
    await fill(1, { now: 0 });
    expect(await dropExpired(db, hour)).toBeUndefined();
    expect(await typesInLog(db)).toEqual([...Object.keys(events), 'now']);
  });

  it('not when it is being written, lies ahead, or is not all published, however old', async () => {
    await fill(0, { old: 3 });
    await fill(1, { 'the last': 3 });
    await query('update commitcast.relay set published = $1', [size - 1]);
    const before = await names();
    expect(await dropExpired(db, hour)).toBeUndefined();
    expect(await floor()).toBe(1);
    expect(await names()).toEqual(before);

    await query('update commitcast.relay set published = $1', [size]);
    expect(await dropExpired(db, hour)).toBe('log_1');
    expect(await dropExpired(db, hour)).toBeUndefined();
    expect(await names()).toEqual(before.slice(1));
  });

  it('also when it is empty, because all of its positions were lost', async () => {
    await fill(1, { old: 3 });
    await fill(2, { now: 0 });
    expect([await dropExpired(db, hour), await dropExpired(db, hour)]).toEqual(['log_1', `log_${size + 1}`]);
    expect(await typesInLog(db)).toEqual(['now']);
  });
});

it('what is expired shows in the last rows of one partition: nothing else is read', async () => {
  await query(
    `insert into commitcast.outbox (org_id, type, data) select 'acme', 'x', '{}' from generate_series(1, 10000) n`,
  );
  await fill(1, { now: 0 });
  const { client, close } = await connect({
    connectionString: database.url,
    applicationName: 'commitcast-retention',
    logger: silentLogger,
  });
  onTestFinished(close);
  let plan = '';
  const explainer = {
    query: async (text: string, values?: unknown[]) => {
      const { rows } = await client.query<Record<string, unknown>>(`explain (analyze) ${text}`, values);
      plan += rows.map((row) => String(row['QUERY PLAN'])).join('\n');
      return { rows: [] };
    },
  };
  await isExpired(explainer, { from: 1, to: size + 1 }, hour);
  expect(plan).toMatch(/Index Scan Backward using log_1_pkey .* rows=100\D/);
  expect(plan.match(/Scan .*on (?!relay)\w+/g)).toHaveLength(1);
});

describe('what holds a drop up, or cuts it off', () => {
  beforeEach(async () => {
    await fill(0, { old: 3 });
    await fill(1, { now: 0 });
  });

  it('a reader that has seen the partition: it misses nothing, and afterwards the detach is finished', async () => {
    const reader = await openReader('select count(*) from commitcast.log');
    await cutOff(reader);
    await expect(dropExpired(db, hour)).rejects.toMatchObject({ code: '55P03' });
    await reader.query('commit');
    expect(await dropExpired(db, hour)).toBe('log_1');
    expect(await detaching()).toEqual([]);
  });

  it('a reader that had only a snapshot, and reads now: it is never the victim of a deadlock', async () => {
    const old = await openReader('select 1');
    const reader = await openReader('select count(*) from commitcast.log');
    await cutOff(reader);
    await reader.query('commit');
    const finishing = dropExpired(db, hour);
    finishing.catch(() => undefined);
    await untilBlocked(database, db);
    expect(await typesInLog(old)).toEqual(['old', 'now']);
    await expect(finishing).rejects.toMatchObject({ code: '55P03' });
    await old.query('commit');
    expect(await dropExpired(db, hour)).toBe('log_1');
  });

  it('a statement elsewhere, when nobody sees the partition any more: it is waited for with patience', async () => {
    const reader = await openReader('select count(*) from commitcast.log');
    await cutOff(reader);
    await reader.query('commit');
    await untilUnseen();
    const elsewhere = await openReader('select count(*) from commitcast.membership');
    const finishing = dropPatiently();
    // Far longer than the wait for one that may see it.
    await until(async () => (await waitingForMs(db)) > 1_000);
    await elsewhere.query('commit');
    expect(await finishing).toBe('log_1');
  });

  it('partitions are made ahead all the same', async () => {
    const reader = await openReader('select count(*) from commitcast.log');
    await cutOff(reader);
    await query(`select setval('commitcast.position', $1)`, [2 * size + 5]);
    expect(await makePartitions(database.pool)).toBeGreaterThan(0);
    await reader.query('rollback');
  });

  it('a maker of partitions never waits for a drop: it leaves its work to the next', async () => {
    await query(`select setval('commitcast.position', $1)`, [2 * size + 5]);
    const made: number[] = [];
    const watched = {
      query: async (text: string, values?: unknown[]) => {
        if (text.includes('detach partition')) made.push(await makePartitions(database.pool));
        return db.query(text, values);
      },
    };
    expect(await dropExpired(watched, hour)).toBe('log_1');
    expect(made).toEqual([0]);
    expect(await makePartitions(database.pool)).toBeGreaterThan(0);
  });

  it('a crash between the detach and the drop: the next call repairs it', async () => {
    await query('select commitcast.raise_floor($1)', [size + 1]);
    await db.query('alter table commitcast.log detach partition commitcast.log_1 concurrently');
    expect(await dropExpired(db, hour)).toBe('log_1');
    expect((await query(`select to_regclass('commitcast.log_1') as left_over`)).rows).toEqual([
      { left_over: null },
    ]);
    expect(await dropExpired(db, hour)).toBeUndefined();
  });
});
