import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type Socket } from 'socket.io';
import { expect, it, onTestFinished } from 'vitest';
import { setupSocketAuth, type SocketAuthOptions } from '../../src/gateway/setup-socket-auth.ts';
import { connectClient } from '../support/client.ts';
import { secret, signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { openRawWebSocket } from './raw-websocket.ts';

/** An application's own Socket.IO server; `attachLater`: it gets its HTTP server after `setupSocketAuth`. */
async function start(options: SocketAuthOptions, attachLater = false) {
  const http = createServer();
  const io = attachLater ? new Server() : new Server(http);
  const opened: Socket[] = [];
  setupSocketAuth(io, { jwt: { secret }, ...options });
  io.on('connection', (socket) => {
    if (socket.connected) opened.push(socket);
  });
  if (attachLater) io.attach(http);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    await io.close();
  });
  return { io, opened, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` };
}

const told = { retries: true };

it('a user who connects too often is refused, with when to come back; another user is not', async () => {
  const { url, opened } = await start({ limits: { userConnectsPerMinute: 2 } });
  for (let n = 1; n <= 2; n++) {
    await connectClient(url);
    await until(() => opened.length === n);
  }
  const third = await connectClient(url, told);
  expect((await until(() => third.refusals[0])).data).toEqual({
    code: 'RATE_LIMITED',
    retryAfterMs: expect.any(Number) as number,
  });
  await connectClient(url, { token: await signToken({ sub: 'user-2' }) });
  await until(() => opened.length === 3);
});

it('an address that connects too often is refused before its token is looked at; behind proxies by what they say', async () => {
  const { url } = await start({ limits: { addressConnectsPerMinute: 1 }, proxyHops: 1 });
  const refusalOf = async (address: string) => {
    const options = { extraHeaders: { 'x-forwarded-for': `9.9.9.9, ${address}` } };
    const client = await connectClient(url, { ...told, token: 'rubbish', options });
    return (await until(() => client.refusals[0])).data?.code;
  };
  expect(await refusalOf('203.0.113.1')).toBe('TOKEN_INVALID');
  expect(await refusalOf('203.0.113.1')).toBe('RATE_LIMITED');
  expect(await refusalOf('203.0.113.2')).toBe('TOKEN_INVALID');
});

it('sessions of a user and of an org: one beyond is refused, and has a place when another has ended', async () => {
  const { url, opened } = await start({ limits: { userSessions: 1, orgSessions: 2 } });
  const first = await connectClient(url);
  await until(() => opened.length === 1);
  const second = await connectClient(url, told);
  expect((await until(() => second.refusals[0])).data?.code).toBe('RATE_LIMITED');
  await connectClient(url, { token: await signToken({ sub: 'user-2' }) });
  await until(() => opened.length === 2);
  const third = await connectClient(url, { ...told, token: await signToken({ sub: 'user-3' }) });
  expect((await until(() => third.refusals[0])).data?.code).toBe('RATE_LIMITED');
  first.socket.disconnect();
  await until(() => {
    if (!third.socket.active) third.socket.connect();
    return opened.length === 3;
  });
});

it('those that are let in at the same time do not become more than there is room for', async () => {
  const held: (() => void)[] = [];
  const { url, io } = await start({
    limits: { userSessions: 2 },
    getUserPrimaryOrganization: async () => {
      await new Promise<void>((resolve) => held.push(resolve));
      return { organizationId: 'acme' };
    },
  });
  const token = await signToken({ org_id: undefined });
  const clients = await Promise.all(
    Array.from({ length: 5 }, () => connectClient(url, { token, options: { reconnection: false } })),
  );
  await until(() => held.length === 5);
  for (const release of held) release();
  await until(() => clients.filter(({ closes }) => closes.length > 0).length === 3);
  expect(clients.flatMap(({ closes }) => closes)).toMatchObject(
    Array.from({ length: 3 }, () => ({ code: 'RATE_LIMITED', retry: true })),
  );
  await until(() => clients.filter(({ socket }) => socket.connected).length === 2);
  expect(io.of('/').adapter.rooms.get('org:acme')?.size).toBe(2);
});

it.each([false, true])(
  'one that sends too many packets is told so and closed, and disturbs nobody; attached later: %s',
  async (attachLater) => {
    const { url, opened } = await start({ limits: { packetsPerSecond: 50 } }, attachLater);
    const options = { reconnection: false };
    const [wild, calm] = [await connectClient(url, { options }), await connectClient(url, { options })];
    await until(() => opened.length === 2);
    for (let n = 0; n < 200; n++) wild.socket.emit('unsubscribe', {}, () => undefined);
    await until(() => wild.closes.length > 0);
    expect(wild.closes[0]).toMatchObject({ code: 'RATE_LIMITED', retry: true });
    await until(() => !wild.socket.connected);
    expect(calm.socket.connected).toBe(true);
  },
);

it('one that never shows who it is may send less', async () => {
  const { url, io } = await start({});
  const raw = await openRawWebSocket(url);
  await until(() => io.engine.clientsCount === 1);
  for (let n = 0; n < 600; n++) raw.sendFrame('40{}');
  await until(() => io.engine.clientsCount === 0);
});

it('one that the application has ended in a listener that was there before takes no place', async () => {
  const http = createServer();
  const io = new Server(http);
  let isClosed = true;
  io.on('connection', (socket) => {
    if (isClosed) socket.disconnect(true);
  });
  setupSocketAuth(io, { jwt: { secret }, limits: { userSessions: 1 } });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    await io.close();
  });
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const ended = await connectClient(url);
  await until(() => ended.drops === 1);
  isClosed = false;
  const next = await connectClient(url, told);
  await until(() => next.socket.connected);
});

it.each([
  [{ limits: { userSessions: 0 } }, 'limits.userSessions'],
  [{ limits: { packetBytes: 4_096 } }, 'packetBytes'],
  [{ limits: { userSesions: 1 } }, 'userSesions'],
  [{ proxyHops: -1 }, 'proxyHops'],
])('%j is CONFIG_INVALID, and says what', (options, problem) => {
  const setUp = () => setupSocketAuth(new Server(), { jwt: { secret }, ...(options as SocketAuthOptions) });
  expect(setUp).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(problem) as string }),
  );
});
