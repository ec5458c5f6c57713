import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type Socket } from 'socket.io';
import { io as connect, type Socket as Client } from 'socket.io-client';
import { expect, it, onTestFinished } from 'vitest';
import { setupSocketAuth, type IdentityOptions } from '../../src/gateway/setup-socket-auth.ts';
import { secret, signToken, unsignedToken } from '../support/tokens.ts';
import { once, until } from '../support/until.ts';
import { hold } from './held.ts';

async function start(options: IdentityOptions = {}) {
  const http = createServer();
  const io = new Server(http);
  const sockets = setupSocketAuth<{ note: unknown }>(io, { jwt: { secret }, ...options });
  const opened: Socket[] = [];
  io.on('connection', (socket) => opened.push(socket));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    await io.close();
  });
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const open = (auth: Record<string, unknown>): Client => {
    const client = connect(url, { auth, transports: ['websocket'], forceNew: true });
    onTestFinished(() => {
      client.disconnect();
    });
    return client;
  };
  return { io, sockets, opened, open };
}

it('an application’s own Socket.IO server: identity in `socket.data`, the org’s room joined', async () => {
  const { open, opened, sockets } = await start();
  const client = open({ token: await signToken({ role: 'admin', email: 'a@x', profile_id: 'p' }) });
  const note = once(client, 'note');
  await until(() => opened.length === 1);
  expect(opened[0]?.data).toEqual({
    organizationId: 'acme',
    userId: 'user-1',
    profileId: 'p',
    role: 'admin',
    email: 'a@x',
  });
  sockets.emitToOrg('acme', 'note', 'hello');
  expect(await note).toEqual(['hello']);
});

it('P4: a server that lets clients back in without their token is refused', () => {
  const io = new Server({ connectionStateRecovery: {} });
  expect(() => setupSocketAuth(io, { jwt: { secret } })).toThrow(/connectionStateRecovery/);
});

it('refusals come before the connection exists, with the same codes', async () => {
  const { open, opened } = await start();
  const refused: [Record<string, unknown>, string][] = [
    [{}, 'TOKEN_REQUIRED'],
    [{ token: 'rubbish' }, 'TOKEN_INVALID'],
    [{ token: unsignedToken() }, 'TOKEN_INVALID'],
    [{ token: await signToken({}, { ttlSeconds: -60 }) }, 'TOKEN_EXPIRED'],
    [{ token: await signToken(), org: 'rival' }, 'ORG_FORBIDDEN'],
    [{ token: await signToken({ org_id: undefined }) }, 'ORG_REQUIRED'],
  ];
  for (const [auth, code] of refused) {
    const [error] = await once<[Error & { data: unknown }]>(open(auth), 'connect_error');
    expect(error.data).toEqual({ code });
  }
  expect(opened).toEqual([]);
});

it('P4: site and unit are joined through `authorize`; another org with the same ids hears nothing', async () => {
  const { open, opened, sockets } = await start();
  const mine = open({ token: await signToken({ sites: ['s1'] }) });
  const rival = open({ token: await signToken({ org_id: 'rival' }) });
  await until(() => opened.length === 2);
  const heard: Record<string, unknown[]> = { mine: [], rival: [] };
  mine.on('note', (data) => heard['mine']?.push(data));
  rival.on('note', (data) => heard['rival']?.push(data));
  for (const socket of opened) await sockets.joinSite(socket, 's1');
  const own = opened.find(
    ({ data }) => (data as { organizationId: string }).organizationId === 'acme',
  ) as Socket;
  await expect(sockets.joinSite(own, 's2')).rejects.toMatchObject({ code: 'SUBSCRIPTION_DENIED' });
  await expect(sockets.joinUnit(own, 'u1')).rejects.toMatchObject({ code: 'SUBSCRIPTION_DENIED' });
  sockets.emitToSite('acme', 's1', 'note', 1);
  await sockets.leave(own, { site: 's1' });
  sockets.emitToSite('acme', 's1', 'note', 2);
  sockets.emitToOrg('acme', 'note', 'end');
  sockets.emitToOrg('rival', 'note', 'end');
  await until(() => heard['mine']?.at(-1) === 'end' && heard['rival']?.at(-1) === 'end');
  expect(heard).toEqual({ mine: [1, 'end'], rival: ['end'] });
});

it('the connection ends with its token, and stock clients do not come back', async () => {
  const { open, io } = await start();
  const client = open({ token: await signToken({}, { ttlSeconds: 2 }) });
  const [close] = await once<[object]>(client, 'close');
  expect(close).toMatchObject({ code: 'TOKEN_EXPIRED', retry: false });
  await until(() => !client.connected);
  expect(client.active).toBe(false);
  expect(io.of('/').adapter.rooms.size).toBe(0);
});

it('a socket that goes while `authorize` is asked leaves no room behind', async () => {
  const { promise, release } = hold(true);
  const { open, opened, sockets, io } = await start({ authorize: () => promise });
  const client = open({ token: await signToken() });
  await until(() => opened.length === 1);
  const joining = sockets.joinUnit(opened[0] as Socket, 'ghost');
  const failure = expect(joining).rejects.toMatchObject({ code: 'SUBSCRIPTION_DENIED' });
  client.disconnect();
  await until(() => !opened[0]?.connected);
  release();
  await failure;
  expect(io.of('/').adapter.rooms.size).toBe(0);
});

it('CONFIG_INVALID when there is no key', () => {
  expect(() => setupSocketAuth(new Server(), {})).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID' }),
  );
});
