import { expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../../src/core/logger.ts';
import { connect } from '../../src/db/connection.ts';
import type { Executor } from '../../src/db/executor.ts';
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
