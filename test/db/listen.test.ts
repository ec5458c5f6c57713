import type { Notification } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../../src/core/logger.ts';
import { Listener, type ListenerOptions } from '../../src/db/listen.ts';
import { startNetwork } from '../fanout/facts/network.ts';
import { createDatabase } from '../support/database.ts';
import { watchLeaks } from '../support/leaks.ts';
import { until } from '../support/until.ts';

const database = await createDatabase();
const name = 'commitcast-test-listen';

function createListener(options: Partial<ListenerOptions> = {}) {
  const heard: string[] = [];
  const gaps: boolean[] = [];
  const listener = new Listener({
    connectionString: database.url,
    applicationName: name,
    channel: 'one',
    onNotify: (notification?: Notification) => {
      if (notification) heard.push(`${notification.channel}: ${notification.payload}`);
      else gaps.push(listener.listening);
    },
    logger: silentLogger,
    ...options,
  });
  onTestFinished(() => listener.stop());
  return { listener, heard, gaps };
}

const notify = (channel: string, payload = '') =>
  database.pool.query('select pg_notify($1, $2)', [channel, payload]);

const terminate = () =>
  database.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name = $1`,
    [name],
  );

it('hears what is notified, and says when it may have missed something: at the start, at a loss, and after it', async () => {
  const { listener, heard, gaps } = createListener();
  await listener.start();
  expect(gaps).toEqual([true]);
  await notify('one', 'first');
  await until(() => heard.length === 1);
  await terminate();
  await until(() => gaps.length === 3);
  expect(gaps).toEqual([true, false, true]);
  await notify('one', 'second');
  await until(() => heard.length === 2);
  expect(heard).toEqual(['one: first', 'one: second']);
});

it('a start fails at once when there is no database; told to keep trying, it goes on until there is one', async () => {
  const network = await startNetwork(database.url);
  network.cut({ refuse: true });
  const failing = createListener({ connectionString: network.url });
  await expect(failing.listener.start()).rejects.toThrow();
  const { listener, heard } = createListener({ connectionString: network.url });
  listener.keepTrying();
  expect(listener.listening).toBe(false);
  network.accept();
  await until(() => listener.listening);
  await notify('one', 'late');
  await until(() => heard.length === 1);
});

it('channels that are added are listened to, also those that are added while there is no connection', async () => {
  const { listener, heard, gaps } = createListener({ channel: [] });
  await listener.start();
  listener.add('early');
  listener.add('early too');
  expect(listener.listening).toBe(false);
  await until(() => listener.listening);
  await terminate();
  await until(() => gaps.includes(false) && !listener.listening);
  listener.add('mean"while');
  await until(() => listener.listening);
  for (const channel of ['early', 'early too', 'mean"while']) await notify(channel, 'heard');
  await until(() => heard.length === 3);
  expect(heard).toEqual(['early: heard', 'early too: heard', 'mean"while: heard']);
});

it('channels that are added while LISTEN is set up are part of it', async () => {
  const network = await startNetwork(database.url);
  const { listener, heard } = createListener({ connectionString: network.url });
  const started = listener.start();
  await until(() => network.heard('listen'));
  listener.add('two');
  await started;
  await until(() => listener.listening);
  await notify('two', 'heard');
  await until(() => heard.length === 1);
});

it('a half-open connection is found by the heartbeat, and replaced', async () => {
  const network = await startNetwork(database.url);
  const { listener, heard, gaps } = createListener({ connectionString: network.url, heartbeatMs: 100 });
  await listener.start();
  network.blackHole();
  await until(() => gaps.length === 3);
  expect(gaps).toEqual([true, false, true]);
  await notify('one', 'after');
  await until(() => heard.length > 0);
  expect(heard).toEqual(['one: after']);
});

it('the server lets go of a listener that has read nothing for 30 s, lest the queue of notifications fill', async () => {
  const { listener } = createListener();
  await listener.start();
  // As the socket has it, in milliseconds.
  expect(await listener.query('show tcp_user_timeout')).toMatchObject({
    rows: [{ tcp_user_timeout: '30000' }],
  });
});

it('a statement without a connection is an error; and stopping leaves nothing behind, also in mid-start', async () => {
  const expectNoLeaks = await watchLeaks(database);
  const { listener } = createListener();
  await expect(listener.query('select 1')).rejects.toThrow('lost');
  const starting = listener.start();
  await listener.stop();
  await starting;
  await listener.stop();
  expect(listener.listening).toBe(false);
  await expect(listener.query('select 1')).rejects.toThrow('lost');
  await expectNoLeaks();
});
