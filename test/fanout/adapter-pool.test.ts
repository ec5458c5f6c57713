import { expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../../src/core/logger.ts';
import { AdapterPool } from '../../src/fanout/adapter-pool.ts';
import { createDatabase } from '../support/database.ts';
import { watchLeaks } from '../support/leaks.ts';
import { until } from '../support/until.ts';

const database = await createDatabase();

function open(): AdapterPool {
  const pool = new AdapterPool({ connectionString: database.url, logger: silentLogger });
  onTestFinished(() => pool.close());
  return pool;
}

const backends = async (part: string): Promise<number[]> => {
  const { rows } = await database.pool.query<{ pid: number }>(
    'select pid from pg_stat_activity where datname = current_database() and application_name = $1',
    [`commitcast-adapter-${part}`],
  );
  return rows.map(({ pid }) => pid);
};

it('at most one LISTEN connection: a second one ends the first, silently, so that nothing is heard twice', async () => {
  const pool = open();
  const first = await pool.connect();
  let heard = 0;
  let ended = 0;
  first.on('notification', () => heard++);
  first.on('end', () => ended++);
  await first.query('listen twice');
  const second = await pool.connect();
  second.on('notification', () => heard++);
  await second.query('listen twice');
  await until(async () => (await backends('listen')).length === 1);
  await pool.query('select pg_notify($1, $2)', ['twice', 'once']);
  await until(() => heard > 0);
  // After this answer, whatever the first could have heard has come.
  await second.query('select 1');
  expect({ heard, ended }).toEqual({ heard: 1, ended: 0 });
});

it('queries go through one connection in the order in which they were asked, also the first ones', async () => {
  const pool = open();
  await database.pool.query('create table public.asked (id int generated always as identity, n int)');
  const numbers = Array.from({ length: 200 }, (_, n) => n);
  await Promise.all(numbers.map((n) => pool.query('insert into public.asked (n) values ($1)', [n])));
  const { rows } = await database.pool.query<{ n: number }>('select n from public.asked order by id');
  expect(rows.map(({ n }) => n)).toEqual(numbers);
  expect(await backends('send')).toHaveLength(1);
});

it('a sending connection that was lost is opened anew by the next query', async () => {
  const pool = open();
  await pool.query('select 1');
  const before = await backends('send');
  await database.pool.query('select pg_terminate_backend($1)', before);
  await until(async () => (await backends('send')).length === 0);
  expect(await until(() => pool.query('select 2 as two'))).toMatchObject({ rows: [{ two: 2 }] });
  expect(await backends('send')).not.toEqual(before);
});

it('closed, it opens nothing more, whatever the adapter still asks for', async () => {
  const expectNoLeaks = await watchLeaks(database);
  const pool = new AdapterPool({ connectionString: database.url, logger: silentLogger });
  const opening = pool.connect();
  await pool.close();
  let answered = false;
  for (const asked of [opening, pool.connect()]) {
    void asked.then(() => {
      answered = true;
    });
  }
  expect(await pool.query('select 1')).toEqual({ rows: [] });
  await expectNoLeaks();
  expect(answered).toBe(false);
});
