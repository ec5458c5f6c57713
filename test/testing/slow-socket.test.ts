import { io } from 'socket.io-client';
import { expect, it, onTestFinished } from 'vitest';
import { append } from '../../src/log/append.ts';
import { slowSocket } from '../../src/testing/slow-socket.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';

const database = await createDatabase();

// Far more than the kernel's buffers of both sides hold.
const large = { org: 'acme', type: 'large', data: 'x'.repeat(250_000) };
const appendLarge = () =>
  append(
    database.pool,
    Array.from({ length: 80 }, () => large),
  );

it('a paused client reads nothing until it is told to, then everything; others notice nothing', async () => {
  const server = await startServer(database);
  const [slow, quick] = [await connectClient(server.url), await connectClient(server.url)];
  await Promise.all([slow.live(), quick.live()]);
  const handle = slowSocket(slow.socket);
  handle.pause();
  await appendLarge();
  await until(() => quick.events.length === 80);
  expect(slow.events).toEqual([]);
  handle.resume();
  await until(() => slow.events.length === 80);
  expect(slow.positions).toEqual(quick.positions);
  expect(slow.drops).toBe(0);
});

it('stays slow over a reconnect, until it is stopped', async () => {
  const server = await startServer(database);
  const client = await connectClient(server.url);
  await client.live();
  const handle = slowSocket(client.socket);
  handle.pause();
  let arrived = 0;
  server.app.commitcast.io.on('connection', () => arrived++);
  client.socket.io.engine.close();
  await append(database.pool, { org: 'acme', type: 'away', data: null });
  await until(() => arrived === 1, { message: 'the client to be back, for the server' });
  const witness = await connectClient(server.url);
  await witness.live();
  expect(client.socket.connected).toBe(false);
  expect(client.events).toEqual([]);

  handle.stop();
  handle.stop();
  await client.live(2);
  // Replayed before `live`, or sent after it: the server may have read on only after the client was back.
  await until(() => client.events.length > 0);
  expect(client.events.map(({ type }) => type)).toEqual(['away']);
  client.socket.io.engine.close();
  await client.live(3);
});

it('says so when the client is connected by a transport that cannot be paused', async () => {
  const server = await startServer(database);
  const socket = io(server.url, {
    transports: ['polling'],
    forceNew: true,
    auth: { token: await signToken() },
  });
  onTestFinished(() => {
    socket.disconnect();
  });
  await until(() => socket.connected);
  expect(() => slowSocket(socket).pause()).toThrow(TypeError);
});
