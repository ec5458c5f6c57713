import { expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../../src/core/logger.ts';
import { listConsumers } from '../../src/consumer/list-consumers.ts';
import { connect, createPool } from '../../src/db/connection.ts';
import type { Executor } from '../../src/db/executor.ts';
import { prepared } from '../../src/db/prepared.ts';
import { readHead } from '../../src/log/head.ts';
import { readPositions } from '../../src/log/read-positions.ts';
import { readRange } from '../../src/log/read-range.ts';
import { readRooms } from '../../src/log/read-rooms.ts';
import { createDatabase } from '../support/database.ts';

const database = await createDatabase();

// 20,000 events that no statistics tell of: as in any log that grows faster than autovacuum looks at it.
const insert = `insert into commitcast.outbox (org_id, site_id, unit_id, type, data)
  select 'acme', 's1', 'u' || n % 10, 'x', '{}' from generate_series(1, 10000) n`;

const reads: Record<string, (db: Executor) => Promise<unknown>> = {
  'settled positions': (db) => readPositions(db, 19_000, 5_000),
  'a range': (db) => readRange(db, 19_000, 20_000),
  'the rooms of a session': (db) =>
    readRooms(db, {
      org: 'acme',
      subscriptions: [{}, { unit: 'u1' }, { site: 's1', deep: true }],
      after: 19_000,
      upTo: 20_000,
      limit: 500,
    }),
  'all of an org': (db) =>
    readRooms(db, { org: 'acme', subscriptions: [{ deep: true }], after: 19_000, upTo: 20_000, limit: 500 }),
};

it.each(Object.keys(reads))('P5: reading %s walks an index, whatever the statistics say', async (name) => {
  await database.pool.query(insert);
  const { client, close } = await connect({
    connectionString: database.url,
    applicationName: 'commitcast-plans',
    logger: silentLogger,
  });
  onTestFinished(close);
  let plan = '';
  await reads[name]?.({
    query: async (text, values) => {
      const { rows } = await client.query<Record<string, string>>(`explain ${text}`, values);
      plan += rows.map((row) => row['QUERY PLAN']).join('\n');
      return { rows: [] };
    },
  });
  expect(plan).toContain('Index');
  // The relay's one row has no index to walk for.
  expect(plan.match(/Seq Scan on (?!relay).*/g) ?? []).toEqual([]);
});

it('P5: replays of a rare org read its own events, however often they have run and whatever others wrote', async () => {
  const rare = await createDatabase();
  await rare.pool.query(insert);
  await rare.pool.query(`insert into commitcast.outbox (org_id, type, data) values ('rare', 'x', '{}')`);
  await rare.pool.query('analyze commitcast.log');
  const options = { connectionString: rare.url, applicationName: 'commitcast-plans', logger: silentLogger };
  const pool = createPool({ ...options, max: 1 });
  onTestFinished(() => pool.end());
  const db = prepared(pool);
  const range = { org: 'rare', subscriptions: [{ deep: true as const }], after: 0, upTo: 10_001, limit: 500 };
  for (let run = 0; run < 10; run += 1) expect((await readRooms(db, range)).to).toBe(10_001);
  const { rows } = await pool.query<{ name: string }>('select name from pg_prepared_statements');
  expect(rows).toHaveLength(1);
  const plan = await pool.query<{ 'QUERY PLAN': string }>(
    `explain execute ${rows[0]?.name}('rare', 0, 10001, 500)`,
  );
  expect(plan.rows.map((row) => row['QUERY PLAN']).join('\n')).toMatch(
    /Index \w*\s?Scan using log_1_org_id_position_idx/,
  );
});

it('P5: head and consumers are looked up in the last partitions, however many there are', async () => {
  const many = await createDatabase();
  const { pool } = many;
  const large = await pool.query<{ name: string }>('select name from commitcast.partition');
  for (const { name } of large.rows) {
    await pool.query(`alter table commitcast.log detach partition commitcast.${name}`);
    await pool.query(`drop table commitcast.${name}`);
  }
  await pool.query(
    `create or replace function commitcast.partition_size() returns bigint language sql as 'select 100::bigint'`,
  );
  for (let n = 0; n < 5; n += 1) {
    await pool.query('select commitcast.make_partitions()');
    await pool.query(
      `insert into commitcast.outbox (org_id, type, data) select 'acme', 'x', '{}' from generate_series(1, 100)`,
    );
  }
  // What is beyond the published position counts, too.
  await pool.query('update commitcast.relay set published = 420');
  await pool.query(
    `insert into commitcast.consumer (name, partitions, rebuildable) values ('totals', 1, false)`,
  );
  await pool.query(
    `insert into commitcast.consumer_partition (name, partition, position) values ('totals', 0, 430)`,
  );
  expect(await readHead(pool)).toMatchObject({ published: 420, last: 500, floor: 1 });
  expect(await listConsumers(pool)).toMatchObject([{ head: 500, position: 430, lagPositions: 70 }]);

  let plan = '';
  const explaining: Executor = {
    query: async (text, values) => {
      const { rows } = await pool.query<Record<string, string>>(`explain ${text}`, values);
      plan += rows.map((row) => row['QUERY PLAN']).join('\n');
      return pool.query(text, values);
    },
  };
  await readHead(explaining);
  await listConsumers(explaining);
  const read = new Set(plan.match(/(?<= on )log_\d+/g));
  expect([...read].toSorted()).toEqual(['log_401', 'log_501']);
});
