import { expect, it, onTestFinished } from 'vitest';
import { append } from '../../src/log/append.ts';
import { connectClient, type TestClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { once, until } from '../support/until.ts';
import { hold } from './held.ts';

const database = await createDatabase();

type Answer = { ok: boolean; error?: { code: string } };

const authenticate = (client: TestClient, token: unknown): Promise<Answer> =>
  client.socket.timeout(20_000).emitWithAck('authenticate', { token } as { token: string });

const unitEvent = (unit: string, data: unknown = null) => ({ org: 'acme', unit, type: 'unit', data });

it('a session is told before its token ends, and is closed at its end so that stock clients do not come back', async () => {
  const server = await startServer(database);
  const client = await connectClient(server.url, { token: await signToken({}, { ttlSeconds: 3 }) });
  // Less than two minutes are left, so it is told at half of them.
  const [{ expiresAt }] = await once<[{ expiresAt: string }]>(client.socket, 'token-expiring');
  expect(Math.abs(Date.parse(expiresAt) - Date.now() - 3_000)).toBeLessThan(3_000);
  const [reason] = await once<[string]>(client.socket, 'disconnect');
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expiresAt) - 50);
  expect(reason).toBe('io server disconnect');
  expect(client.closes).toMatchObject([{ code: 'TOKEN_EXPIRED', retry: false }]);
  expect(client.socket.active).toBe(false);
  expect(server.app.commitcast.io.of('/').sockets.size).toBe(0);
});

it('`authenticate` gives a session the time of the new token', async () => {
  const server = await startServer(database);
  const short = await connectClient(server.url, { token: await signToken({}, { ttlSeconds: 3 }) });
  const other = await connectClient(server.url, { token: await signToken({}, { ttlSeconds: 3 }) });
  await Promise.all([short.live(), other.live()]);
  expect(await authenticate(short, await signToken({ role: 'admin' }))).toEqual({ ok: true });
  expect(server.app.commitcast.io.of('/').sockets.get(short.socket.id ?? '')?.data).toMatchObject({
    role: 'admin',
  });
  await until(() => other.closes.length > 0);
  await append(database.pool, { org: 'acme', type: 'later', data: null });
  await until(() => short.events.length > 0);
  expect(short.closes).toEqual([]);
});

it('P4: `authenticate` takes the same user in the same org only; the session goes on as it was', async () => {
  const server = await startServer(database);
  const client = await connectClient(server.url);
  await client.live();
  const refused: [unknown, string][] = [
    [await signToken({ sub: 'user-2' }), 'TOKEN_INVALID'],
    [await signToken({ org_id: 'rival' }), 'ORG_FORBIDDEN'],
    [await signToken({ sub: 'user-2', org_id: 'rival' }), 'ORG_FORBIDDEN'],
    [await signToken({}, { ttlSeconds: -60 }), 'TOKEN_EXPIRED'],
    [await signToken({}, { key: 'x'.repeat(40) }), 'TOKEN_INVALID'],
    ['', 'TOKEN_REQUIRED'],
    [undefined, 'TOKEN_REQUIRED'],
    [7, 'TOKEN_INVALID'],
  ];
  for (const [token, code] of refused) {
    expect(await authenticate(client, token)).toMatchObject({ ok: false, error: { code } });
  }
  for (const values of [[], [null], [[]], ['token']]) {
    const emit = client.socket.timeout(20_000).emitWithAck.bind(client.socket.timeout(20_000)) as unknown as (
      ...all: unknown[]
    ) => Promise<Answer>;
    expect(await emit('authenticate', ...values)).toMatchObject({ error: { code: 'TOKEN_REQUIRED' } });
  }
  await append(database.pool, { org: 'acme', type: 'still', data: null });
  await until(() => client.events.length > 0);
  expect(client.closes).toEqual([]);
});

it('P4: a narrower token takes away what it does not allow: `revoked`, and nothing more of it', async () => {
  const server = await startServer(database);
  const client = await connectClient(server.url, {
    subscriptions: [{ deep: true }, { unit: 'u1' }, { unit: 'u2' }],
  });
  await client.live();
  const revoked: unknown[] = [];
  client.socket.on('revoked', ({ subscription }) => revoked.push(subscription));
  expect(await authenticate(client, await signToken({ units: ['u1'] }))).toEqual({ ok: true });
  expect(revoked).toEqual([{ deep: true }, { unit: 'u2' }]);
  expect(await client.socket.emitWithAck('subscribe', { unit: 'u2' })).toMatchObject({
    error: { code: 'SUBSCRIPTION_DENIED' },
  });
  await append(database.pool, [unitEvent('u2'), unitEvent('u3'), unitEvent('u1', 'end')]);
  await until(() => client.events.at(-1)?.data === 'end');
  expect(client.events.map(({ unit }) => unit)).toEqual(['u1']);
});

it('P4: a subscription that was asked for with the old rights is asked again when the rights change meanwhile', async () => {
  const { promise, release } = hold(undefined);
  let asked = 0;
  const server = await startServer(database, {
    authorize: async ({ units }, { unit }) => {
      asked++;
      const allowed = units === undefined || unit === undefined || units.includes(unit);
      if (units === undefined) await promise;
      return allowed;
    },
  });
  const client = await connectClient(server.url);
  await client.live();
  const pending: Promise<Answer> = client.socket.emitWithAck('subscribe', { unit: 'u2' });
  await until(() => asked === 1);
  expect(await authenticate(client, await signToken({ units: ['u1'] }))).toEqual({ ok: true });
  release();
  expect(await pending).toMatchObject({ ok: false, error: { code: 'SUBSCRIPTION_DENIED' } });
  expect([...server.app.commitcast.io.of('/').adapter.rooms.keys()]).not.toContain('org:acme:unit:u2');
});

it('a client that goes while its rights are being asked leaves no room behind, and nobody waiting', async () => {
  const { promise, release } = hold(true);
  let asked = 0;
  const server = await startServer(database, {
    authorize: () => {
      asked++;
      return promise;
    },
  });
  const { adapter, sockets } = server.app.commitcast.io.of('/');
  const client = await connectClient(server.url);
  await client.live();
  const socket = sockets.get(client.socket.id ?? '');
  client.socket.emit('subscribe', { unit: 'ghost' }, () => undefined);
  if (!socket) throw new Error('the client is not connected');
  const joining = expect(server.app.socketService.joinUnit(socket, 'ghost')).rejects.toMatchObject({
    code: 'SUBSCRIPTION_DENIED',
  });
  await until(() => asked === 2);
  client.socket.disconnect();
  await until(() => adapter.sids.size === 0);
  release();
  await joining;
  expect(adapter.rooms.size).toBe(0);
});

it('who answers the notice with a token that ends no later, or only a little, is not asked without end', async () => {
  const server = await startServer(database);
  const token = await signToken({}, { ttlSeconds: 2 });
  const same = await connectClient(server.url, { token });
  const short = await connectClient(server.url, { token: await signToken({}, { ttlSeconds: 2 }) });
  let toldSame = 0;
  let toldShort = 0;
  same.socket.on('token-expiring', () => {
    toldSame += 1;
    void authenticate(same, token);
  });
  short.socket.on('token-expiring', () => {
    toldShort += 1;
    void signToken({}, { ttlSeconds: 2 }).then((next) => authenticate(short, next));
  });
  await until(() => toldShort === 4);
  await until(() => same.closes.length > 0);
  expect(toldSame).toBe(1);
  expect(toldShort).toBeLessThan(12);
  expect(short.closes).toEqual([]);
});

it('a token that ends in the year 2200 does not overflow a timer', async () => {
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on('warning', note);
  onTestFinished(() => {
    process.off('warning', note);
  });
  const server = await startServer(database);
  const client = await connectClient(server.url, { token: await signToken({ exp: Date.UTC(2200) / 1_000 }) });
  let told = 0;
  client.socket.on('token-expiring', () => told++);
  await client.live();
  await append(database.pool, { org: 'acme', type: 'test', data: null });
  await until(() => client.events.length > 0);
  expect({ told, closes: client.closes, warnings }).toEqual({ told: 0, closes: [], warnings: [] });
});

it('a checkpoint moves a quiet cursor on, and is as good as any cursor', async () => {
  const server = await startServer(database, { checkpointIntervalMs: 100 });
  const quiet = await connectClient(server.url);
  const busy = await connectClient(server.url, { subscriptions: [{ unit: 'busy' }] });
  await Promise.all([quiet.live(), busy.live()]);
  await append(database.pool, unitEvent('busy'));
  const [{ cursor }] = await once<[{ cursor: string }]>(quiet.socket, 'checkpoint');
  expect(cursor).toBe(busy.cursor);

  quiet.socket.disconnect();
  await append(database.pool, { org: 'acme', type: 'missed', data: null });
  quiet.socket.connect();
  await until(() => quiet.events.length === 1);
  expect(quiet.resets).toEqual([]);
});

it('a graceful stop says SHUTTING_DOWN, and stock clients are back by themselves when the port is', async () => {
  const first = await startServer(database);
  const clients = await Promise.all(
    (['websocket', 'polling'] as const).map((transport) =>
      connectClient(first.url, { options: { transports: [transport] } }),
    ),
  );
  await Promise.all(clients.map((client) => client.live()));
  const port = Number(new URL(first.url).port);
  await first.close();
  for (const { closes, socket } of clients) {
    expect(closes).toMatchObject([{ code: 'SHUTTING_DOWN', retry: true }]);
    expect(socket.active).toBe(true);
  }
  const second = await startServer(database, { port });
  await append(database.pool, { org: 'acme', type: 'back', data: null });
  for (const client of clients) {
    await until(() => client.events.length > 0);
    expect(client.events.map(({ type }) => type)).toEqual(['back']);
    expect(client.refusals.filter(({ data }) => data?.code)).toEqual([]);
  }
  expect(second.app.commitcast.io.of('/').sockets.size).toBe(2);
});
