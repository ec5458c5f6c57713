import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import { io as connect } from 'socket.io-client';
import { expect, it, onTestFinished } from 'vitest';
import { append } from '../../../src/log/append.ts';
import { connectClient } from '../../support/client.ts';
import { createDatabase } from '../../support/database.ts';
import { startServer } from '../../support/server.ts';
import { once, until } from '../../support/until.ts';
import { openRawWebSocket } from '../../gateway/raw-websocket.ts';

/** What a client remembers of its session when connection state recovery is on, and presents when it comes back. */
interface Remembered {
  _pid?: string;
  _lastOffset?: string;
}

const rememberedBy = (client: object): Remembered => client;

async function startRecovering(options: { skipMiddlewares?: boolean }): Promise<{ io: Server; url: string }> {
  const http = createServer();
  const io = new Server(http, { connectionStateRecovery: options });
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => io.close());
  return { io, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` };
}

/** A client whose token is revoked while it is away. Returns what it was sent after it came back, and what it was told. */
async function returnWithRevokedToken(options: { skipMiddlewares?: boolean }) {
  const { io, url } = await startRecovering(options);
  let revoked = false;
  io.use((_socket, next) => {
    next(revoked ? new Error('revoked') : undefined);
  });
  const client = connect(url, {
    transports: ['websocket'],
    reconnectionDelay: 10,
    reconnectionDelayMax: 10,
  });
  onTestFinished(() => void client.close());
  const got: string[] = [];
  client.on('secret', (text: string) => got.push(text));
  const refusals: string[] = [];
  client.on('connect_error', ({ message }: Error) => refusals.push(message));
  await once(client, 'connect');
  io.emit('secret', 'before');
  await until(() => got.length === 1);
  const disconnected = once(client, 'disconnect');
  revoked = true;
  client.io.engine.close();
  await disconnected;
  await until(() => io.of('/').sockets.size === 0);
  io.emit('secret', 'for others');
  await until(() => client.connected || refusals.length > 0);
  return { got, refusals, recovered: client.recovered };
}

it('stock, with connection state recovery: authentication is skipped, by default', async () => {
  const { got, recovered, refusals } = await returnWithRevokedToken({});
  expect(recovered).toBe(true);
  expect(refusals).toEqual([]);
  expect(got).toEqual(['before', 'for others']);
});

it('stock, with skipMiddlewares: false: what was missed is sent before the middleware that refuses has run', async () => {
  const { io, url } = await startRecovering({ skipMiddlewares: false });
  let refusing = false;
  io.use((_socket, next) => {
    if (!refusing) next();
    else setImmediate(next, new Error('revoked'));
  });
  const client = connect(url, { transports: ['websocket'], reconnection: false });
  onTestFinished(() => void client.close());
  await once(client, 'connect');
  const first = once(client, 'secret');
  io.emit('secret', 'before');
  await first;
  const { _pid: pid, _lastOffset: offset } = rememberedBy(client);
  client.io.engine.close();
  await until(() => io.of('/').sockets.size === 0);
  io.emit('secret', 'for others');
  refusing = true;

  const raw = await openRawWebSocket(url);
  await until(() => raw.received().includes('pingInterval'));
  raw.sendFrame(`40${JSON.stringify({ pid, offset })}`);
  await until(() => raw.received().includes('revoked'));
  expect(raw.received()).toContain('for others');
  expect(raw.received().indexOf('for others')).toBeLessThan(raw.received().indexOf('revoked'));
});

it.each(['memory', 'postgres'] as const)(
  'ours: it is off; who presents a session and an offset gets nothing for them (adapter %s)',
  async (adapter) => {
    const database = await createDatabase();
    const server = await startServer(database, { adapter });
    const { io } = server.app.commitcast;
    expect(io._opts.connectionStateRecovery).toBeUndefined();
    const client = await connectClient(server.url);
    await client.live();
    await append(database.pool, { org: 'acme', type: 'before', data: null });
    await until(() => client.events.length === 1);
    const { id = '' } = client.socket;
    const { _pid: pid, _lastOffset: offset } = rememberedBy(client.socket);
    expect({ pid, offset }).toEqual({ pid: undefined, offset: undefined });
    client.socket.disconnect();
    await until(() => io.of('/').sockets.size === 0);
    await append(database.pool, { org: 'acme', type: 'for-others', data: null });

    const raw = await openRawWebSocket(server.url);
    await until(() => raw.received().includes('pingInterval'));
    raw.sendFrame(`40${JSON.stringify({ pid: id, offset: '0' })}`);
    await until(() => raw.received().includes('TOKEN_REQUIRED'));
    expect(raw.received()).not.toContain('for-others');
  },
);
