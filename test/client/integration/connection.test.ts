import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { startTcpProxy, type TcpProxy } from '../../../src/testing/tcp-proxy.ts';
import { createDatabase } from '../../support/database.ts';
import { startServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';
import { expectExactly, openClient, record, truth, write } from './world.ts';

async function proxyTo(url: string): Promise<TcpProxy> {
  const proxy = await startTcpProxy(url);
  onTestFinished(() => proxy.close());
  return proxy;
}

/** A page, as far as the client looks at one. */
function standInPage() {
  const window = new EventTarget();
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  vi.stubGlobal('addEventListener', window.addEventListener.bind(window));
  vi.stubGlobal('removeEventListener', window.removeEventListener.bind(window));
  vi.stubGlobal('document', document);
  onTestFinished(() => {
    vi.unstubAllGlobals();
  });
  return { window, document };
}

it('a client that is there before the server gets what is committed once both are', async () => {
  const database = await createDatabase();
  const first = await startServer(database);
  const port = Number(new URL(first.url).port);
  await first.close();

  const client = openClient(first.url);
  const seen = record(client.subscribe({ deep: true }));
  await until(() => client.states.filter((name) => name === 'offline').length >= 2);
  expect(client.state).toMatchObject({ name: 'offline', until: 'due' });
  await startServer(database, { port });
  await client.live();
  await write(database, 'u1');
  await expectExactly(seen, await truth(database, { deep: true }));
});

it('what is committed while the server restarts, and while a connection is cut, arrives once, in order', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const port = Number(new URL(server.url).port);
  const proxy = await proxyTo(server.url);
  const client = openClient(proxy.url);
  const seen = record(client.subscribe({ deep: true }));
  await client.live();
  await write(database, 'u1');
  await until(() => seen.length === 1);

  await server.close();
  await until(() => client.state.name === 'offline');
  await write(database, 'u2');
  await startServer(database, { port });
  await until(() => seen.length === 2);

  await client.live();
  proxy.refuse(true);
  proxy.cut();
  await until(() => client.state.name === 'offline');
  await write(database, 'u1');
  proxy.refuse(false);
  client.connect();
  await expectExactly(seen, await truth(database, { deep: true }));
  expect(client.errors).toEqual([]);
});

it('a reason comes with `offline`, and `connect()` ends the wait', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const client = openClient(server.url);
  await client.live();
  await server.close();
  const state = await until(() => client.state.name === 'offline' && client.state);
  expect(state).toMatchObject({ name: 'offline', reason: { code: 'SHUTTING_DOWN' } });
  const attempts = () => client.states.filter((name) => name === 'connecting').length;
  const before = attempts();
  client.connect();
  expect(attempts()).toBeGreaterThan(before);
});

it.each(['online', 'visibilitychange', 'pageshow'])(
  'a dead connection is noticed after `%s`, long before the heartbeat would',
  async (signal) => {
    const page = standInPage();
    const database = await createDatabase();
    const server = await startServer(database);
    const proxy = await proxyTo(server.url);
    const client = openClient(proxy.url);
    const seen = record(client.subscribe({ deep: true }));
    await client.live();
    proxy.blackHole();
    await write(database, 'u1');

    const target = signal === 'visibilitychange' ? page.document : page.window;
    const asked = performance.now();
    target.dispatchEvent(new Event(signal));
    await until(() => seen.length === 1, { timeoutMs: 15_000 });
    // The heartbeat of Socket.IO takes 25 s to ask, and 20 s to wait.
    expect(performance.now() - asked).toBeLessThan(10_000);
    expect(client.states).toContain('offline');
    await expectExactly(seen, await truth(database, { deep: true }));
  },
);

it('a connection that answers is kept when the page is shown again', async () => {
  const page = standInPage();
  const database = await createDatabase();
  const server = await startServer(database);
  const client = openClient(server.url);
  const sockets = () => [...server.app.commitcast.io.of('/').sockets.keys()];
  await client.live();
  const before = sockets();
  page.document.dispatchEvent(new Event('visibilitychange'));
  const seen = record(client.subscribe({ unit: 'u1' }));
  await write(database, 'u1');
  await until(() => seen.length === 1);
  expect(sockets()).toEqual(before);
  expect(client.states).toEqual(['connecting', 'catching-up', 'live']);
});

it('a page that is put away lets go of its connection, and goes on when it is taken out again', async () => {
  const page = standInPage();
  const database = await createDatabase();
  const server = await startServer(database);
  const client = openClient(server.url);
  const seen = record(client.subscribe({ deep: true }));
  await client.live();
  page.window.dispatchEvent(new Event('pagehide'));
  expect(client.state.name).toBe('offline');
  await until(() => server.app.commitcast.io.of('/').sockets.size === 0);
  await write(database, 'u1');
  page.window.dispatchEvent(new Event('pageshow'));
  await expectExactly(seen, await truth(database, { deep: true }));
});

it('where WebSockets do not get through, long polling carries the same history', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const target = new URL(server.url);
  let upgrades = 0;
  // As a proxy that knows nothing of WebSockets: it forwards the request without `Upgrade`.
  const front = createServer((incoming, outgoing) => {
    const { upgrade, connection: _, ...headers } = incoming.headers;
    if (upgrade !== undefined) upgrades++;
    const { url, method } = incoming;
    const forwarded = request({ host: target.hostname, port: target.port, path: url, method, headers });
    forwarded.on('response', (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(outgoing);
    });
    forwarded.on('error', () => outgoing.destroy());
    outgoing.on('close', () => forwarded.destroy());
    incoming.pipe(forwarded);
  }).listen(0, '127.0.0.1');
  await until(() => front.listening);
  onTestFinished(() => {
    front.close();
    front.closeAllConnections();
  });

  const client = openClient(`http://127.0.0.1:${(front.address() as AddressInfo).port}`);
  const seen = record(client.subscribe({ deep: true }));
  await client.live();
  for (let n = 0; n < 10; n++) await write(database, n % 2 === 0 ? 'u1' : 'u2');
  await until(() => seen.length === 10);
  const { cursor } = client;
  // Between two polls there is no connection to close.
  await until(() => {
    front.closeAllConnections();
    return client.states.includes('offline');
  });
  for (let n = 0; n < 10; n++) await write(database, 'u1');
  await expectExactly(seen, await truth(database, { deep: true }));
  expect(client.cursor).not.toBe(cursor);
  expect(upgrades).toBeGreaterThan(0);
  const [socket] = server.app.commitcast.io.of('/').sockets.values();
  expect(socket?.conn.transport.name).toBe('polling');
});
