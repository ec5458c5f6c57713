import { Client } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { sqlStateOf } from '../../src/db/sql-state.ts';
import { append } from '../../src/log/append.ts';
import { erase } from '../../src/log/erase.ts';
import { SettledReader } from '../../src/log/settled-reader.ts';
import { dropPartitionsBelow, makePartitions } from '../../src/log/partitions.ts';
import { sweepErasures } from '../../src/log/sweep-erasures.ts';
import { publish, readAudit, readEvents, writeSome } from '../log/erasures.ts';
import { administer, urlOfDatabase } from '../support/administer.ts';
import { createDatabase } from '../support/database.ts';
import { startPostgresNode } from '../support/postgres-node.ts';
import { chooseSeed, createRandom } from '../support/random.ts';
import { describeWithTool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { dumpAndRestore } from './epochs/disasters.ts';

const size = 131_072;

it('P5: retention and an erasure in progress wait for nobody but each other, and each does its work', async () => {
  const database = await createDatabase();
  const { pool } = database;
  const db = await database.connect();
  await writeSome(pool, 'acme');
  await pool.query(`select setval('commitcast.position', $1, false)`, [size + 1]);
  await makePartitions(db);
  await writeSome(pool, 'acme');
  await publish(pool);

  const eraser = await database.connect();
  await eraser.query('begin');
  await erase(eraser, { org: 'acme' });
  await db.query(`set lock_timeout = '300ms'`);
  await expect(dropPartitionsBelow(db, size + 1)).rejects.toMatchObject({ code: '55P03' });
  // Neither holds a commit up.
  await append(pool, { org: 'acme', type: 'later', data: { name: 'Jane' } });
  await eraser.query('commit');
  await db.query('set lock_timeout = 0');
  expect(await dropPartitionsBelow(db, size + 1)).toContain('log_1');

  await publish(pool);
  expect(await sweepErasures(db)).toBe(true);
  const events = await readEvents(pool, 'acme');
  expect(events).toHaveLength(13);
  expect(JSON.stringify(events)).not.toContain('Jane');
  expect(await readAudit(pool, 'acme')).toMatchObject([{ events: '25' }]);
});

it('P4: many writers and erasures at once: what is left is exactly what comes after the last erasure of it', async () => {
  const database = await createDatabase();
  const { pool } = database;
  const random = createRandom(chooseSeed('erasure'));
  const orgs = ['acme', 'rival'];
  const streams = ['s1', 's2', undefined];
  const write = async (turns: number) => {
    const own = random.fork();
    const client = await database.connect();
    const turn = async () => {
      const org = own.pick(orgs);
      const stream = own.pick(streams);
      await append(client, { org, type: 'x', data: 'Jane', ...(stream === undefined ? {} : { stream }) });
      if (own.chance(0.1)) await erase(client, { org, ...(own.chance(0.5) ? { stream: 's1' } : {}) });
      await append(client, { org, type: 'y', data: 'Jane' });
      await client.query(own.chance(0.2) ? 'rollback' : 'commit');
    };
    for (let n = 0; n < turns; n++) {
      await client.query('begin');
      try {
        await turn();
      } catch (error) {
        // An append to one stream, and an erasure of all of them in another transaction.
        expect(sqlStateOf(error)).toBe('40P01');
        await client.query('rollback');
      }
    }
  };
  const writers = Promise.all(Array.from({ length: 6 }, () => write(60)));
  const over = new AbortController();
  const settled = new SettledReader(0);
  const sweep = async () => {
    await pool.query('update commitcast.relay set published = $1', [await settled.advance(pool)]);
    return sweepErasures(pool);
  };
  const sweeping = (async () => {
    while (!over.signal.aborted) await sweep();
  })();
  await writers.finally(() => {
    over.abort();
  });
  await sweeping;
  await until(sweep);

  const { rows } = await pool.query<{ left: string; wrong: string; erasures: string }>(`
    select count(*) filter (where is_left) as left,
      count(*) filter (where is_left = must_go) as wrong,
      (select count(*) from commitcast.erasure) as erasures
    from (
      select l.data = '"Jane"' as is_left, exists (
        select from commitcast.log e where e.control and e.type = 'commitcast.erased' and e.position > l.position
          and e.org_id = l.org_id and (e.data->>'stream' is null or e.data->>'stream' = l.stream)
      ) as must_go
      from commitcast.log l where not control
    ) judged`);
  expect(rows[0]?.wrong).toBe('0');
  expect(Number(rows[0]?.left)).toBeGreaterThan(0);
  expect(Number(rows[0]?.erasures)).toBeGreaterThan(5);
});

describeWithTool('pg_basebackup', 'a restored dump', () => {
  it('keeps its tombstones, its audit and its guards, and completes the erasures that it has', async () => {
    const node = await startPostgresNode();
    await administer(node.url, 'create database original');
    await migrate({ connectionString: urlOfDatabase(node.url, 'original') });
    const connect = async (name: string) => {
      const client = new Client({ connectionString: urlOfDatabase(node.url, name) });
      await client.connect();
      onTestFinished(() => client.end());
      return client;
    };
    const original = await connect('original');
    await writeSome(original, 'acme');
    await original.query('begin');
    await append(original, { org: 'acme', type: 'own', data: { name: 'Jane' }, stream: 's1' });
    await erase(original, { org: 'acme', stream: 's1' });
    await original.query('commit');
    const before = [await readEvents(original, 'acme'), await readAudit(original, 'acme')];
    await dumpAndRestore(node, 'original', 'copy');

    const copy = await connect('copy');
    expect([await readEvents(copy, 'acme'), await readAudit(copy, 'acme')]).toEqual(before);
    await expect(copy.query(`update commitcast.log set data = '{}'`)).rejects.toMatchObject({
      code: 'CC005',
    });
    await expect(copy.query(`delete from commitcast.erasure`)).rejects.toMatchObject({ code: 'CC005' });
    await publish(copy);
    expect(await sweepErasures(copy)).toBe(true);
    await erase(copy, { org: 'acme' });
    expect(JSON.stringify(await readEvents(copy, 'acme'))).not.toContain('Jane');
    await expect(copy.query(`update commitcast.log_1 set data = '{}'`)).rejects.toMatchObject({
      code: 'CC005',
    });
  });
});
