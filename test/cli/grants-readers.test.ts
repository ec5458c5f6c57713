import type { PoolClient } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { append } from '../../src/log/append.ts';
import { readLog } from '../../src/log/read-log.ts';
import { readStream } from '../../src/log/read-stream.ts';
import { snapshot } from '../../src/log/snapshot.ts';
import { runCli, startCli } from '../support/cli.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { createRole, denied, poolOf } from './granted.ts';

const event = { org: 'acme', type: 'step', data: 1 };

/** What nobody but the owner does, or an instance. */
const writes = [
  'insert into commitcast.log (position) values (1)',
  'delete from commitcast.log',
  'truncate commitcast.log',
  `select nextval('commitcast.position')`,
  `select commitcast.revoke('acme', 'kim')`,
  `select commitcast.erase('acme')`,
  'select commitcast.make_partitions()',
  'create table commitcast.own (id int)',
];

it('a consumer handles, begins anew and is operated in its own transactions, and appends nothing', async () => {
  const database = await createDatabase();
  const { url, role } = await createRole(database, 'consumer');
  await database.pool.query(
    `create table public.seen (data int); grant select, insert, delete on public.seen to "${role}"`,
  );
  const server = await startServer(database);
  const pool = poolOf(url);
  const consumer = server.app.commitcast.consume(
    {
      name: 'own',
      db: pool,
      reset: (tx: PoolClient) => tx.query('delete from seen'),
      maxAttempts: 1,
      onPoison: 'park-org',
    },
    async (tx: PoolClient, events) => {
      for (const { data } of events) {
        if (data === 13) throw new Error('no');
        await tx.query('insert into seen values ($1)', [data]);
      }
    },
  );
  onTestFinished(() => consumer.stop());
  await append(
    database.pool,
    [1, 2].map((data) => ({ ...event, data })),
  );
  await append(database.pool, { org: 'rival', type: 'step', data: 13 });
  const env = { DATABASE_URL: url };
  const run = (...args: string[]) => runCli(['consumers', ...args], { cwd: '/', env });
  await until(async () => (await run('parked', 'own')).stdout.includes('rival'));
  expect(await run('rebuild', 'own', '--wait')).toMatchObject({ code: 0 });
  const { rows } = await database.pool.query('select data from seen order by data');
  expect(rows).toEqual([{ data: 1 }, { data: 2 }]);
  expect(await run('drop', 'own', '--all')).toMatchObject({ code: 0 });
  await until(async () => (await run('parked', 'own')).stdout === 'Nothing is parked.\n');
  await consumer.stop();
  expect(await run('remove', 'own')).toMatchObject({ code: 0, stderr: '' });

  for (const statement of [
    ...writes,
    `insert into commitcast.outbox (org_id, type, data) values ('acme', 'x', '1')`,
    'select * from commitcast.membership',
    'select * from commitcast.stream',
    'update commitcast.relay set published = 0',
  ])
    await expect(pool.query(statement), statement).rejects.toMatchObject(denied);
});

it('a reader reads events, streams and snapshots, follows the log and sees the status, and writes nothing', async () => {
  const database = await createDatabase();
  const { url } = await createRole(database, 'reader');
  await append(database.pool, { ...event, stream: 's' });
  const pool = poolOf(url);
  const types: string[] = [];
  for await (const { type } of readLog(pool)) types.push(type);
  for await (const { type } of readStream(pool, { org: 'acme', stream: 's' })) types.push(type);
  expect(types).toEqual(['step', 'step']);
  expect(await snapshot(pool, (_tx, cursor) => Promise.resolve(cursor))).toMatch(/-1$/);
  await pool.query('select * from commitcast.state; select * from commitcast.erasure');

  const env = { DATABASE_URL: url };
  const tail = startCli(['tail', '--from-start'], { cwd: '/', env });
  await until(() => tail.stdout().includes('step'));
  for (const args of [['status'], ['consumers', 'list'], ['consumers', 'parked']])
    expect(await runCli(args, { cwd: '/', env })).toMatchObject({ code: 0, stderr: '' });

  for (const statement of [
    ...writes,
    `insert into commitcast.outbox (org_id, type, data) values ('acme', 'x', '1')`,
    'select * from commitcast.membership',
    'select * from commitcast.revocation',
    'update commitcast.relay set published = 0',
    'delete from commitcast.consumer',
    `select commitcast.rewind_consumer('own', 0)`,
    `select * from commitcast.append('[]')`,
  ])
    await expect(pool.query(statement), statement).rejects.toMatchObject(denied);
});
