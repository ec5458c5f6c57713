import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { openClient } from '../client/integration/world.ts';
import { createDatabase } from '../support/database.ts';
import { describeUnless } from '../support/describe-unless.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { examples, startExample } from './run-example.ts';

const cwd = join(examples, 'writers');
const scripts = readdirSync(cwd).filter((name) => name.endsWith('.mjs'));

/** Pays an order in part, then more than it costs: the client has the first event, and nothing of the second. */
async function expectAtomic(program: string, script: string): Promise<void> {
  const database = await createDatabase();
  await database.pool.query(readFileSync(join(cwd, 'orders.sql'), 'utf8'));
  await database.pool.query(`insert into orders values ('order-7', 100)`);
  const { url } = await startServer(database);
  const client = openClient(url);
  const seen: unknown[] = [];
  client.subscribe({ unit: 'order-7' }).on('*', ({ type, data }) => seen.push([type, data]));
  await client.live();
  const pay = async (amount: number) => {
    const example = startExample(program, [script, 'order-7', String(amount)], {
      cwd,
      env: { DATABASE_URL: database.url },
    });
    return { code: await example.ended, output: example.output() };
  };

  expect(await pay(40)).toEqual({ code: 0, output: '' });
  await until(() => seen.length > 0);
  const refused = await pay(70);
  expect(refused.code).toBe(1);
  expect(refused.output).toContain('order-7 costs 100, not 110');
  await append(database.pool, { org: 'acme', unit: 'order-7', type: 'after', data: null });
  await until(() => seen.length > 1);
  expect(seen).toEqual([
    ['order.paid', { amount: 40, paid: 40 }],
    ['after', null],
  ]);
  expect((await database.pool.query('select * from orders')).rows).toEqual([
    { id: 'order-7', total: 100, paid: 40 },
  ]);
}

it('there is an example of each driver', () => {
  expect(scripts).toEqual(['drizzle.mjs', 'knex.mjs', 'kysely.mjs', 'pg.mjs', 'postgres-js.mjs']);
});

it.each(scripts)('P1: %s: what it commits arrives, what it rolls back does not', async (script) => {
  await expectAtomic(process.execPath, script);
});

const python = [process.env['PYTHON3_PATH'] ?? '', '/usr/bin/python3', 'python3'].find(
  (path) => path !== '' && spawnSync(path, ['-c', 'import psycopg'], { stdio: 'ignore' }).status === 0,
);
const lack = {
  problem: 'Python has no psycopg',
  remedy:
    'Install it, on Debian: sudo apt-get install python3-psycopg; or name an interpreter in PYTHON3_PATH',
};

describeUnless(python === undefined ? lack : undefined, 'Python', () => {
  it('P1: writer.py: what it commits arrives, what it rolls back does not', async () => {
    await expectAtomic(python ?? '', 'writer.py');
  });
});
