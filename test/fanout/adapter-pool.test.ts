import { expect, it, onTestFinished, vi } from 'vitest';
import { silentLogger } from '../../src/core/logger.ts';
import { sleep } from '../../src/core/sleep.ts';
import { AdapterPool } from '../../src/fanout/adapter-pool.ts';
import { createDatabase } from '../support/database.ts';
import { watchLeaks } from '../support/leaks.ts';
import { until } from '../support/until.ts';

const database = await createDatabase();

async function open(onGap = () => {}): Promise<AdapterPool> {
  const options = { connectionString: database.url, channels: ['first'], onGap, logger: silentLogger };
  const pool = new AdapterPool(options);
  onTestFinished(() => pool.close());
  await pool.start();
  return pool;
}

const backends = async (part: string): Promise<number[]> => {
  const { rows } = await database.pool.query<{ pid: number }>(
    'select pid from pg_stat_activity where datname = current_database() and application_name = $1',
    [`commitcast-adapter-${part}`],
  );
  return rows.map(({ pid }) => pid);
};

const terminate = (pids: number[]) =>
  database.pool.query('select pg_terminate_backend(pid) from unnest($1::int[]) pid', [pids]);

const notify = (pool: AdapterPool, channel: string, payload: string) =>
  pool.query('SELECT pg_notify($1, $2)', [channel, payload]);

it('the client for LISTEN outlives every connection, and never says that it ended', async () => {
  const onGap = vi.fn<() => void>();
  const pool = await open(onGap);
  const client = await pool.connect();
  const heard: (string | undefined)[] = [];
  const ended = vi.fn<() => void>();
  client.on('notification', ({ payload }) => heard.push(payload));
  client.on('end', ended);
  await client.query('LISTEN "second"');
  await until(() => pool.state === 'ok');
  const [before] = await backends('listen');
  const gaps = onGap.mock.calls.length;
  await terminate([before ?? 0]);
  await until(() => onGap.mock.calls.length === gaps + 2);
  await notify(pool, 'first', '1');
  await notify(pool, 'second', '2');
  await until(() => heard.length === 2);
  expect(heard).toEqual(['1', '2']);
  expect(ended).not.toHaveBeenCalled();
  expect(await backends('listen')).not.toEqual([before]);
});

it('asked twice for a client, as after an error, it hears everything once', async () => {
  const pool = await open();
  const heard: string[] = [];
  for (const which of ['former', 'present']) {
    const client = await pool.connect();
    client.on('notification', ({ payload }) => heard.push(`${which}: ${payload}`));
    await client.query('LISTEN "first"');
  }
  await notify(pool, 'first', 'once');
  await notify(pool, 'first', 'last');
  await until(() => heard.length === 2);
  expect(heard).toEqual(['present: once', 'present: last']);
  expect(await backends('listen')).toHaveLength(1);
});

it('a notification is handed on when the one before it has been dealt with', async () => {
  const pool = await open();
  const client = await pool.connect();
  const heard: (string | undefined)[] = [];
  const dealt = new AbortController();
  client.on('notification', async ({ payload }) => {
    heard.push(payload);
    if (payload === '1') await sleep(30_000, dealt.signal);
    if (payload === '2') throw new Error('cannot be dealt with');
  });
  for (const payload of ['1', '2', '3']) await notify(pool, 'first', payload);
  await until(() => heard.length === 1);
  // What it has heard by now, it has heard on the connection that answers here.
  await pool.query('SELECT payload from commitcast.attachment where id = $1', [0]);
  expect(heard).toEqual(['1']);
  dealt.abort();
  await until(() => heard.length === 3);
});

it('the state follows both connections', async () => {
  const pool = await open();
  expect(pool.state).toBe('ok');
  for (const part of ['listen', 'send']) {
    await terminate(await backends(part));
    await until(() => pool.state === 'unreachable');
    await until(() => pool.state === 'ok');
  }
});

it('closed, it opens nothing more, whatever the adapter still asks for', async () => {
  const expectNoLeaks = await watchLeaks(database);
  const pool = await open();
  const client = await pool.connect();
  await pool.close();
  client.release();
  await client.query('LISTEN "third"');
  expect(await notify(pool, 'first', 'too late')).toEqual({ rows: [] });
  await expect(pool.query('DELETE FROM commitcast.attachment')).rejects.toThrow('closed');
  expect(pool.state).toBe('unreachable');
  await expectNoLeaks();
});
