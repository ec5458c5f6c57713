import { connect } from 'node:net';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { append } from '../../src/log/append.ts';
import { openRawWebSocket } from '../gateway/raw-websocket.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { watchLeaks } from '../support/leaks.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { once, until } from '../support/until.ts';

const database = await createDatabase();
const rejected = vi.fn<(reason: unknown) => void>();
let expectNoLeaks: () => Promise<void>;

beforeEach(async () => {
  process.on('unhandledRejection', rejected);
  expectNoLeaks = await watchLeaks(database);
});

afterEach(() => {
  process.off('unhandledRejection', rejected);
  expect(rejected).not.toHaveBeenCalled();
});

const stayAway = { options: { reconnection: false } };

async function expectClosesInTime(server: TestServer): Promise<void> {
  const begin = performance.now();
  await server.close();
  expect(performance.now() - begin).toBeLessThan(10_000);
}

it.each(['memory', 'postgres'] as const)(
  'with websocket and polling clients, adapter %s: told, down in time, nothing left open',
  async (adapter) => {
    const server = await startServer(database, { adapter });
    const clients = await Promise.all(
      (['websocket', 'websocket', 'polling', 'polling'] as const).map((transport) =>
        connectClient(server.url, { options: { ...stayAway.options, transports: [transport] } }),
      ),
    );
    await Promise.all(clients.map((client) => client.live()));
    await append(database.pool, { org: 'acme', type: 'test', data: null });
    await until(() => clients.every(({ events }) => events.length > 0));

    await expectClosesInTime(server);
    await until(() => clients.every(({ closes }) => closes.length === 1));
    for (const { closes } of clients) expect(closes).toMatchObject([{ code: 'SHUTTING_DOWN', retry: true }]);
    for (const { socket } of clients) socket.disconnect();
    await expectNoLeaks();
  },
);

it('a client that never closes its side, one that never reads, and connections that say nothing are cut', async () => {
  const server = await startServer(database);
  const token = await signToken();
  const silent = await openRawWebSocket(server.url);
  const deaf = await openRawWebSocket(server.url);
  for (const raw of [silent, deaf]) {
    raw.sendFrame(`40${JSON.stringify({ token })}`);
    await until(() => raw.received().includes('["live"'));
  }
  deaf.stream.pause();
  const idle = connect(Number(new URL(server.url).port), '127.0.0.1');
  idle.on('error', () => undefined);
  await once(idle, 'connect');
  onTestFinished(() => {
    idle.destroy();
  });
  // More than the kernel takes for somebody who does not read.
  for (let n = 0; n < 40; n++)
    await append(database.pool, { org: 'acme', type: 'big', data: 'x'.repeat(250_000) });
  await until(() => Number(server.app.commitcast.cursor().split('-')[1]) >= 40);

  await expectClosesInTime(server);
  await silent.closed();
  deaf.stream.resume();
  await deaf.closed();
  idle.destroy();
  await expectNoLeaks();
});

it('a polling client that never polls again keeps nothing waiting, not even a timer', async () => {
  const server = await startServer(database);
  const polling = `${server.url}/socket.io/?EIO=4&transport=polling`;
  const { sid } = JSON.parse((await (await fetch(polling)).text()).slice(1)) as { sid: string };
  const body = `40${JSON.stringify({ token: await signToken() })}`;
  await (await fetch(`${polling}&sid=${sid}`, { method: 'POST', body })).text();
  const poll = async () => (await fetch(`${polling}&sid=${sid}`)).text();
  await until(async () => (await poll()).includes('["live"'));
  const last = poll();
  const [socket] = server.app.commitcast.io.of('/').sockets.values();
  // The farewell is the answer to this poll; the end of the session would be the answer to the next.
  await until(() => socket?.conn.transport.writable);
  await expectClosesInTime(server);
  expect(await last).toContain('SHUTTING_DOWN');
  await expectNoLeaks();
});

it('with the database gone it stops in time all the same', async () => {
  const own = await createDatabase();
  const server = await startServer(own, { adapter: 'postgres' });
  const client = await connectClient(server.url, stayAway);
  await client.live();
  await own.drop();
  await expectClosesInTime(server);
  expect(client.closes).toMatchObject([{ code: 'SHUTTING_DOWN' }]);
});

it('while requests and handshakes are under way: no error, and who comes too late is sent elsewhere, not refused', async () => {
  const asked: (() => void)[] = [];
  const server = await startServer(database, {
    getUserPrimaryOrganization: () =>
      new Promise((resolve) => {
        asked.push(() => {
          resolve({ organizationId: 'acme' });
        });
      }),
  });
  const live = await connectClient(server.url, stayAway);
  await live.live();
  const client = await connectClient(server.url, {
    token: await signToken({ org_id: undefined }),
    ...stayAway,
  });
  await until(() => asked.length > 0);
  const closing = server.close();
  await until(() => live.closes.length > 0);
  for (const answer of asked) answer();
  await closing;
  // Refused, a stock client would never come back by itself; with its transport ended, it does.
  await until(() => !client.socket.io.engine || client.socket.io.engine.readyState === 'closed');
  expect(client.refusals).toEqual([]);
  expect(client.lives).toEqual([]);
  await expectNoLeaks();
});

it('a stop in the middle of the start waits for it, then takes all down', async () => {
  const app = (await import('fastify')).default();
  const { commitcast } = await import('../../src/http/plugin.ts');
  await app.register(commitcast, { databaseUrl: database.url, jwt: { secret: 'x'.repeat(32) } });
  const starting = Promise.resolve(app.ready()).catch(() => undefined);
  await Promise.all([starting, app.close()]);
  await expectNoLeaks();
});
