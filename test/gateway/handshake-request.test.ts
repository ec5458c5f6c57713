import { setFlagsFromString } from 'node:v8';
import type { IncomingMessage } from 'node:http';
import { runInNewContext } from 'node:vm';
import { io as connect } from 'socket.io-client';
import { expect, it, onTestFinished } from 'vitest';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';

const database = await createDatabase();

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

type Middleware = (request: IncomingMessage, response: unknown, next: () => void) => void;

/** A server that tells of each request of Engine.IO, without keeping it. */
async function startNoting(also?: (request: IncomingMessage) => void) {
  const server = await startServer(database);
  const { io } = server.app.commitcast;
  const requests: WeakRef<IncomingMessage>[] = [];
  const note: Middleware = (request, _response, next) => {
    requests.push(new WeakRef(request));
    also?.(request);
    next();
  };
  io.engine.use(note);
  const sockets = () => [...io.of('/').sockets.values()];
  return { ...server, io, requests, sockets };
}

it.each([
  ['WebSocket', { transports: ['websocket'] }],
  ['long polling, upgraded to WebSocket', { transports: ['polling', 'websocket'] }],
])('a session keeps no request of a handshake over %s', async (_transport, options) => {
  const { url, requests, sockets } = await startNoting();
  const client = await connectClient(url, { options });
  await client.live();
  await until(() => client.socket.io.engine.transport.name === 'websocket');
  await until(() => {
    collect();
    return requests.every((each) => each.deref() === undefined);
  });
  expect(requests.length).toBeGreaterThan(0);
  expect(sockets()).toHaveLength(1);
  expect(client.closes).toEqual([]);
});

it('what Socket.IO and applications read of the request can be read for as long as the session lives', async () => {
  const { url, io, requests, sockets } = await startNoting();
  const seen: unknown[] = [];
  io.on('connection', ({ request }) => seen.push([request.headers.host, request.method]));
  const client = await connectClient(url, { options: { extraHeaders: { 'x-mark': 'yes' } } });
  await client.live();
  await until(() => {
    collect();
    return requests.every((each) => each.deref() === undefined);
  });
  const [socket] = sockets();
  expect(seen).toEqual([[new URL(url).host, 'GET']]);
  expect(socket?.request).toMatchObject({
    method: 'GET',
    url: expect.stringMatching(/^\/socket\.io\/\?.*EIO=4/) as string,
    headers: { 'x-mark': 'yes' },
    socket: { remoteAddress: '127.0.0.1' },
  });
  expect(socket?.handshake).toMatchObject({ headers: { 'x-mark': 'yes' }, query: { EIO: '4' } });

  const handshakes: unknown[] = [];
  io.of('/other').on('connection', ({ handshake }) => {
    handshakes.push([handshake.headers['x-mark'], handshake.query['EIO'], handshake.secure]);
  });
  const other = client.socket.io.socket('/other');
  onTestFinished(() => void other.disconnect());
  other.connect();
  await until(() => handshakes.length > 0);
  expect(handshakes).toEqual([['yes', '4', false]]);
});

it('a request on which a middleware of the application has put something stays what it was', async () => {
  const { url, requests, sockets } = await startNoting((request) => {
    Object.assign(request, { session: { name: 'of the application' } });
  });
  const client = await connectClient(url);
  await client.live();
  collect();
  const [socket] = sockets();
  expect(socket?.request).toBe(requests[0]?.deref());
  expect(socket?.request).toMatchObject({ session: { name: 'of the application' } });
});

it('a connection that goes at once leaves no request behind', async () => {
  const { url, requests } = await startNoting();
  const client = connect(url, { transports: ['websocket'], reconnection: false, forceNew: true });
  await until(() => requests.length === 1);
  client.disconnect();
  await until(() => {
    collect();
    return requests.every((each) => each.deref() === undefined);
  });
});
