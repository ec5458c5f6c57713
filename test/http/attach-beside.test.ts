import { connect, type AddressInfo } from 'node:net';
import { Server as SocketServer } from 'socket.io';
import { io } from 'socket.io-client';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { append } from '../../src/log/append.ts';
import { openClient } from '../client/integration/world.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { signToken } from '../support/tokens.ts';
import { once, until } from '../support/until.ts';
import { attachTo, listen, serverOf } from './attach-server.ts';

const database = await createDatabase();

it.each(['before', 'after'] as const)(
  'an own Socket.IO server, made %s ours, keeps its path; ours is at another one, with the same clients',
  async (when) => {
    const server = serverOf((request, response) => response.end(`the application at ${request.url}`));
    const addOwn = () => {
      const own = new SocketServer(server, { serveClient: false });
      own.on('connection', (socket) => socket.emit('hello', 'of my own'));
      onTestFinished(() => own.disconnectSockets(true));
    };
    if (when === 'before') addOwn();
    await attachTo(server, database, { path: '/live/socket.io', prefix: '/live' });
    if (when === 'after') addOwn();
    const url = await listen(server);

    for (const transport of ['polling', 'websocket'] as const) {
      const own = io(url, { transports: [transport], forceNew: true });
      onTestFinished(() => void own.disconnect());
      expect(await once(own, 'hello')).toEqual(['of my own']);

      const client = openClient(url, { transport: { path: '/live/socket.io', transports: [transport] } });
      const seen: string[] = [];
      client.subscribe({}).on('*', ({ type }) => seen.push(type));
      await client.live();
      await append(database.pool, { org: 'acme', type: transport, data: null });
      await until(() => seen.includes(transport));
    }
    expect(await (await fetch(`${url}/orders?of=acme`)).text()).toBe('the application at /orders?of=acme');
    expect(await (await fetch(`${url}/live/health/live`)).json()).toEqual({ status: 'live' });
  },
);

it('WebSockets of the application stay its own, however long they say nothing', async () => {
  const server = serverOf((_request, response) => response.end());
  const echo = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    if (request.url !== '/echo') return;
    // Longer than Engine.IO gives an upgrade that it does not know.
    setTimeout(() => {
      echo.handleUpgrade(request, socket, head, (webSocket) => {
        webSocket.on('message', (data) => webSocket.send(data));
      });
    }, 1_500);
  });
  await attachTo(server, database);
  const url = await listen(server);
  const webSocket = new WebSocket(`${url.replace('http', 'ws')}/echo`);
  await once(webSocket, 'open');
  webSocket.send('hello');
  expect(String((await once(webSocket, 'message'))[0])).toBe('hello');
  webSocket.close();
  await once(webSocket, 'close');
});

it('an upgrade that nobody takes is refused, and its connection is not left open', async () => {
  const server = serverOf((_request, response) => response.end());
  await attachTo(server, database);
  await listen(server);
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
  socket.write('GET /nobody HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  await once(socket, 'end');
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
});

it('addresses that only begin alike are the application’s', async () => {
  const server = serverOf((request, response) => response.end(`the application at ${request.url}`));
  await attachTo(server, database);
  const url = await listen(server);
  for (const path of [
    '/',
    '/v1/events',
    '/metrics',
    '/socket.iox/?EIO=4',
    '/commitcasts/v1/cursor',
    '/x/socket.io/',
  ])
    expect(await (await fetch(`${url}${path}`)).text(), path).toBe(`the application at ${path}`);
  const answer = await fetch(`${url}/commitcast?x`);
  expect([answer.status, await answer.json()]).toMatchObject([404, { error: { code: 'NOT_FOUND' } }]);
});

it('history, streams, health and metrics are below the prefix, with the rights of the token', async () => {
  const server = serverOf((_request, response) => response.writeHead(404).end());
  const commitcast = await attachTo(server, database);
  const url = `${await listen(server)}/commitcast`;
  const { cursor } = await connectClient(url.replace('/commitcast', '')).then((client) => client.live());
  await append(database.pool, { org: 'acme', unit: 'u-1', type: 'moved', data: 1 });
  await append(database.pool, { org: 'umbra', unit: 'u-1', type: 'moved', data: 2 });
  await until(() => commitcast.cursor() !== cursor);
  const headers = { authorization: `Bearer ${await signToken()}` };

  const page = await fetch(`${url}/v1/events?deep=true&cursor=${cursor}`, { headers });
  expect(await page.json()).toMatchObject({ events: [{ org: 'acme', type: 'moved', data: 1 }], more: false });
  expect((await fetch(`${url}/v1/events`)).status).toBe(401);
  const aborted = new AbortController();
  const stream = await fetch(`${url}/v1/events/stream?unit=u-1&cursor=${cursor}`, {
    headers: { ...headers, accept: 'text/event-stream' },
    signal: aborted.signal,
  });
  let text = '';
  const reading = (async () => {
    for await (const chunk of stream.body ?? []) text += Buffer.from(chunk).toString();
  })();
  await until(() => text.includes('event: live'));
  expect(text).toContain('"data":1');
  aborted.abort();
  await expect(reading).rejects.toThrow();
  expect(await (await fetch(`${url}/health/ready`)).json()).toMatchObject({ status: 'ready' });
  // Whoever asks from this machine may be anybody: a proxy of the application's, for one.
  expect((await fetch(`${url}/metrics`)).status).toBe(403);
  expect((await fetch(`${url}/v1/status`, { headers })).status).toBe(403);
  const asAdmin = { headers: { authorization: `Bearer ${await signToken({ role: 'admin' })}` } };
  expect(await (await fetch(`${url}/metrics`, asAdmin)).text()).toContain('commitcast_head_position');
});

it('a page of another origin may read what `corsOrigin` allows; `prefix: false` serves Socket.IO alone', async () => {
  const origin = 'https://app.example.com';
  const allowing = serverOf((_request, response) => response.end('the application'));
  await attachTo(allowing, database, { corsOrigin: [origin] });
  const answer = await fetch(`${await listen(allowing)}/commitcast/health/live`, { headers: { origin } });
  expect(answer.headers.get('access-control-allow-origin')).toBe(origin);

  const bare = serverOf((_request, response) => response.end('the application'));
  await attachTo(bare, database, { prefix: false });
  const url = await listen(bare);
  expect(await (await fetch(`${url}/commitcast/health/live`)).text()).toBe('the application');
  await (await connectClient(url)).live();
});
