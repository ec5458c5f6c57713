import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { append } from '../../src/log/append.ts';
import { connectClient, type TestClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { watchLeaks } from '../support/leaks.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';

const database = await createDatabase();
const crash = vi.fn<(error: unknown) => void>();
let expectNoLeaks: () => Promise<void>;

beforeEach(async () => {
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
  expectNoLeaks = await watchLeaks(database);
});

afterEach(() => {
  process.off('uncaughtException', crash);
  process.off('unhandledRejection', crash);
  expect(crash).not.toHaveBeenCalled();
});

const start = (relay = true) => startServer(database, { adapter: 'postgres', relay });

function listen(client: TestClient): number[] {
  const got: number[] = [];
  const on = client.socket.on.bind(client.socket) as unknown as (
    name: string,
    listener: (data: unknown) => void,
  ) => void;
  on('note', (data) => got.push((data as { n: number }).n));
  return got;
}

const emit = ({ app }: TestServer, n: number, text = '') => {
  app.socketService.emitToOrg('acme', 'note', { n, text });
};

const listeners = async (): Promise<number[]> => {
  const { rows } = await database.pool.query<{ pid: number }>(
    `select pid from pg_stat_activity
     where datname = current_database() and application_name = 'commitcast-adapter-listen' order by pid`,
  );
  return rows.map(({ pid }) => pid);
};

/** Until a message crosses, in each direction. */
async function untilConnected(...servers: TestServer[]): Promise<void> {
  const heard = new Set<string>();
  for (const [n, { app }] of servers.entries()) {
    app.commitcast.io.on('test:hello', (from: number) => heard.add(`${from} to ${n}`));
  }
  await until(
    () => {
      for (const [n, { app }] of servers.entries()) app.commitcast.io.serverSideEmit('test:hello', n);
      return heard.size === servers.length * (servers.length - 1);
    },
    { message: 'all instances to hear each other' },
  );
}

it('two instances on one database: an event reaches the clients of both, and so does an ephemeral message', async () => {
  const [leader, follower] = [await start(), await start(false)];
  await untilConnected(leader, follower);
  const clients = await Promise.all([leader, follower].map(({ url }) => connectClient(url)));
  await Promise.all(clients.map((client) => client.live()));
  const got = clients.map(listen);
  await append(database.pool, { org: 'acme', type: 'event', data: null });
  for (const client of clients) {
    await until(() => client.events.length === 1);
    expect(client.cursor).toBe(clients[0]?.cursor);
  }
  emit(leader, 1);
  await until(() => got.every(({ length }) => length === 1));
  emit(follower, 2);
  await until(() => got.every(({ length }) => length === 2));
  expect(got).toEqual([
    [1, 2],
    [1, 2],
  ]);

  for (const { socket } of clients) socket.disconnect();
  await Promise.all([leader.close(), follower.close()]);
  await expectNoLeaks();
});

it('the order of ephemeral messages is kept on every instance, small and large mixed', async () => {
  const [here, there] = [await start(), await start(false)];
  await untilConnected(here, there);
  const clients = await Promise.all([here, there].map(({ url }) => connectClient(url)));
  await Promise.all(clients.map((client) => client.live()));
  const got = clients.map(listen);
  const numbers = Array.from({ length: 500 }, (_, n) => n);
  for (const n of numbers) emit(here, n, 'x'.repeat(n % 3 === 0 ? 6_900 : n % 10));
  await until(() => got.every(({ length }) => length === numbers.length));
  expect(got).toEqual([numbers, numbers]);
});

it('20 LISTEN connections killed: no process ends, none leaks, each instance hears the others again', async () => {
  const servers = await Promise.all([start(), start(false), start(false), start(false), start(false)]);
  const client = await connectClient(servers[4]?.url ?? '');
  await client.live();
  for (let round = 0; round < 4; round++) {
    await until(async () => (await listeners()).length === servers.length);
    const before = await listeners();
    await database.pool.query('select pg_terminate_backend(pid) from unnest($1::int[]) pid', [before]);
    await until(async () => {
      const now = await listeners();
      return now.length === servers.length && now.every((pid) => !before.includes(pid));
    });
  }
  await untilConnected(...servers);
  expect(await listeners()).toHaveLength(servers.length);
  // Events do not depend on it: they were never lost, and come at once again.
  await append(database.pool, { org: 'acme', type: 'event', data: null });
  await until(() => client.events.length === 1);
  client.socket.disconnect();
  await Promise.all(servers.map((server) => server.close()));
  await expectNoLeaks();
});

it('an event that is committed while the adapter is deaf reaches every instance, without waiting for the next one', async () => {
  const [leader, follower] = [await start(), await start(false)];
  await untilConnected(leader, follower);
  const client = await connectClient(follower.url);
  await client.live();
  await database.pool.query('select pg_terminate_backend(pid) from unnest($1::int[]) pid', [
    await listeners(),
  ]);
  await append(database.pool, { org: 'acme', type: 'while deaf', data: null });
  await until(() => client.events.length === 1);
  expect(client.events).toMatchObject([{ type: 'while deaf' }]);
});

it('P3: forged doorbells, as any role may send them, take no event from anybody', async () => {
  const [leader, follower] = [await start(), await start(false)];
  await untilConnected(leader, follower);
  const clients = await Promise.all([leader, follower].map(({ url }) => connectClient(url)));
  await Promise.all(clients.map((client) => client.live()));
  const stranger = await database.connect(await database.urlAsMemberOf());
  const epoch = clients[0]?.cursor?.split('-')[0] ?? '';
  const forgeries = [
    { epoch, from: 0, to: Number.MAX_SAFE_INTEGER },
    { epoch, from: -1, to: -1 },
    { epoch: 'aaaaaaaa', from: 0, to: 1_000_000 },
    { epoch, from: 'x', to: {} },
    null,
    'rubbish',
  ];
  const notify = (payload: string) =>
    stranger.query('select pg_notify($1, $2)', ['commitcast.io#/', payload]);
  for (const doorbell of forgeries) {
    await notify(
      JSON.stringify({
        uid: 'forger',
        nsp: '/',
        type: 9,
        data: { packet: ['commitcast:doorbell', doorbell] },
      }),
    );
  }
  for (const payload of [
    '',
    '{',
    'null',
    '7',
    '{"nsp":"/","type":9}',
    '{"nsp":"/","type":3,"data":{}}',
    '{"nsp":"/","attachmentId":-1}',
  ]) {
    await notify(payload);
  }
  await append(database.pool, [
    { org: 'acme', type: 'first', data: null },
    { org: 'acme', type: 'second', data: null },
  ]);
  for (const client of clients) {
    await until(() => client.events.length === 2);
    expect(client.events.map(({ type }) => type)).toEqual(['first', 'second']);
    expect(client.resets).toEqual([]);
  }
});
