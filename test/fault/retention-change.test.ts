import { expect, it } from 'vitest';
import { makePartitions } from '../../src/log/partitions.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { insertEvent } from '../support/transactions.ts';
import { until } from '../support/until.ts';
import { startLoad } from './retention-load.ts';

const old = 8;

/** Partitions whose events are two hours old, and one in which they are new. Returns its first position. */
async function growLog({ pool }: TestDatabase): Promise<number> {
  for (let n = 0; ; n++) {
    await makePartitions(pool);
    const { rows } = await pool.query<{ name: string; start: string }>(
      'select name, from_position as start from commitcast.partition order by from_position offset $1 limit 1',
      [n],
    );
    const { name, start } = rows[0] ?? { name: '', start: '' };
    await pool.query(`select setval('commitcast.position', $1, false)`, [start]);
    await insertEvent(pool, `event ${n}`);
    if (n === old) return Number(start);
    await pool.query(`alter table commitcast.${name} disable trigger append_only`);
    await pool.query(`update commitcast.${name} set committed_at = now() - interval '2 hours'`);
    await pool.query(`alter table commitcast.${name} enable always trigger append_only`);
  }
}

it('a retention that is set later takes a long log away partition by partition, and nothing stalls', async () => {
  const database = await createDatabase();
  const last = await growLog(database);
  const count = async () => {
    const { rows } = await database.pool.query<{ kept: number; first: string }>(
      `select count(*) filter (where to_position <= ${last})::int as kept,
       (select type from commitcast.log order by position limit 1) as first from commitcast.partition`,
    );
    return rows[0];
  };
  const before = await startServer(database);
  const early = await connectClient(before.url);
  const { cursor } = await early.live();
  await before.close();
  expect(await count()).toEqual({ kept: old, first: 'event 0' });

  const server = await startServer(database, { retention: '1h' });
  const client = await connectClient(server.url, { cursor });
  await client.live();
  const load = await startLoad(database);
  const kept: number[] = [];
  await until(async () => {
    const now = (await count())?.kept ?? old;
    if (now !== kept.at(-1)) kept.push(now);
    return now === 0;
  });
  await load.further(100);
  // The other housekeeping has gone on beside it.
  await until(async () => {
    const { rows } = await database.pool.query<{ empty: boolean }>(
      'select count(*) < 50 as empty from commitcast.outbox',
    );
    return rows[0]?.empty;
  });
  await load.stop();

  expect(await count()).toEqual({ kept: 0, first: `event ${old}` });
  expect(kept.length).toBeGreaterThan(3);
  expect(load.blocked).toEqual([]);
  expect(load.slowestMs).toBeLessThan(3_000);
  await until(() => client.events.length === load.commits, { message: 'all events' });
  expect(client.resets).toEqual([]);
});

it('an owner is needed to drop; without one the log stays as it is, and everything else goes on', async () => {
  const database = await createDatabase();
  await growLog(database);
  const url = await database.urlAsMemberOf('commitcast_relay');
  const warnings: unknown[] = [];
  const server = await startServer(database, { databaseUrl: url, migrate: false, retention: '1s' });
  server.app.log.warn = (fields: unknown) => warnings.push(fields);
  await until(() => warnings.length > 0, { message: 'a warning' });
  expect(warnings).toMatchObject([{ err: { code: '42501' } }]);
  const client = await connectClient(server.url);
  await client.live();
  await insertEvent(database.pool, 'after');
  await until(() => client.events.length === 1);
});
