import { connect, type AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket, WebSocketServer, type ServerOptions } from 'ws';
import { append } from '../../src/log/append.ts';
import { openClient } from '../client/integration/world.ts';
import { createDatabase } from '../support/database.ts';
import { once, until } from '../support/until.ts';
import { attachTo, listen, serverOf } from './attach-server.ts';

const database = await createDatabase();

/** A WebSocket server of the application that answers what it hears. */
function echo(options: ServerOptions & { server: Server }): WebSocketServer {
  const echoing = new WebSocketServer(options);
  echoing.on('connection', (webSocket) =>
    webSocket.on('message', (data) => webSocket.send(data, { binary: false })),
  );
  onTestFinished(() => echoing.close());
  return echoing;
}

async function expectEcho(url: string): Promise<void> {
  const webSocket = new WebSocket(url.replace('http', 'ws'));
  await once(webSocket, 'open');
  webSocket.send('hello');
  expect(String((await once(webSocket, 'message'))[0])).toBe('hello');
  webSocket.close();
  await once(webSocket, 'close');
}

async function expectDelivery(url: string, path = '/socket.io'): Promise<void> {
  const client = openClient(url, { transport: { path, transports: ['websocket'] } });
  const seen: string[] = [];
  client.subscribe({}).on('*', ({ type }) => seen.push(type));
  await client.live();
  await append(database.pool, { org: 'acme', type: 'moved', data: null });
  await until(() => seen.includes('moved'));
  await client.close();
}

/** The first line of what an upgrade is answered with. */
async function upgrade(server: Server, path: string): Promise<string> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
  await once(socket, 'end');
  return answer.split('\r\n')[0] ?? '';
}

const forms = { 'with a path': { path: '/ws' }, 'without a path': {} };
const cases = (['before', 'after'] as const).flatMap((when) =>
  Object.entries(forms).map(([name, options]) => [name, when, options] as const),
);

it.each(cases)(
  'a WebSocketServer of ws %s, made %s ours, and ours: each has its own upgrades, and none of the other’s',
  async (_name, when, options) => {
    const server = serverOf((_request, response) => response.end());
    const connected = vi.fn();
    const addOwn = () => echo({ server, ...options }).on('connection', connected);
    if (when === 'before') addOwn();
    await attachTo(server, database);
    if (when === 'after') addOwn();
    const url = await listen(server);
    await expectEcho(`${url}/ws`);
    await expectDelivery(url);
    await expectEcho(`${url}/ws`);
    expect(connected).toHaveBeenCalledTimes(2);
  },
);

it('after close() every upgrade is the application’s, whose listeners stay as they were', async () => {
  const server = serverOf((_request, response) => response.end());
  const own = echo({ server });
  const listeners = server.rawListeners('upgrade');
  const commitcast = await attachTo(server, database);
  const url = await listen(server);
  await expectDelivery(url);
  await commitcast.close();
  expect(server.rawListeners('upgrade')).toEqual(listeners);
  expect(Object.hasOwn(server, 'emit')).toBe(false);
  await expectEcho(`${url}/socket.io/`);
  own.close();
  expect(server.rawListeners('upgrade')).toEqual([]);
});

it('two on one server, closed in either order: each at its places; what neither takes is refused', async () => {
  for (const order of [
    [0, 1],
    [1, 0],
  ] as const) {
    const server = serverOf((_request, response) => response.end('the application'));
    const places = ['/one', '/two'] as const;
    const both = [
      await attachTo(server, database, { path: '/one/socket.io', prefix: '/one' }),
      await attachTo(server, database, { path: '/two/socket.io', prefix: '/two' }),
    ] as const;
    const url = await listen(server);
    for (const place of places) await expectDelivery(url, `${place}/socket.io`);
    expect(await upgrade(server, '/nobody')).toMatch(/^HTTP\/1\.1 400 /);
    const [first, second] = order;
    await both[first].close();
    expect(await (await fetch(`${url}${places[first]}/health/live`)).text()).toBe('the application');
    await expectDelivery(url, `${places[second]}/socket.io`);
    expect(await upgrade(server, '/nobody')).toMatch(/^HTTP\/1\.1 400 /);
    await both[second].close();
    expect(await (await fetch(`${url}${places[second]}/health/live`)).text()).toBe('the application');
    expect(server.listeners('upgrade')).toEqual([]);
  }
});

it('a request listener that is added afterwards sees the application’s requests, and none of ours', async () => {
  const server = serverOf((_request, response) => response.end());
  await attachTo(server, database);
  const seen: unknown[] = [];
  server.on('request', ({ url }) => seen.push(url));
  const url = await listen(server);
  await fetch(`${url}/commitcast/health/live`);
  await fetch(`${url}/orders`);
  expect(seen).toEqual(['/orders']);
});
