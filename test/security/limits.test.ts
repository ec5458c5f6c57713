import { expect, it, onTestFinished } from 'vitest';
import { connect } from '../../src/client/index.ts';
import { append } from '../../src/log/append.ts';
import { ask } from '../gateway/ask.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { openStream } from '../support/event-source.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { handshakes, refusedAt } from './limited.ts';

const database = await createDatabase();
const bearer = async (claims = {}) => ({ authorization: `Bearer ${await signToken(claims)}` });

it('a user who connects too often is refused with when to come back; another user, or the same id in another org, is not', async () => {
  const { url } = await startServer(database, { limits: { userConnectsPerMinute: 3 } });
  expect(await handshakes(url, 3)).toEqual([200, 200, 200]);
  const client = await connectClient(url, { retries: true });
  const { data } = await until(() => client.refusals[0]);
  expect(data).toEqual({ code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) as number });
  const { retryAfterMs } = data as { retryAfterMs: number };
  expect(retryAfterMs).toBeGreaterThan(15_000);
  expect(retryAfterMs).toBeLessThanOrEqual(20_000);
  await (await connectClient(url, { token: await signToken({ sub: 'user-2' }) })).live();
  await (await connectClient(url, { token: await signToken({ org_id: 'rival' }) })).live();
});

it('a token that is refused uses up nothing of its user', async () => {
  const { url } = await startServer(database, { limits: { userConnectsPerMinute: 1 } });
  const expired = await signToken({}, { ttlSeconds: -60 });
  expect(await handshakes(url, 5, expired)).toEqual([401, 401, 401, 401, 401]);
  expect(await handshakes(url, 2)).toEqual(expect.arrayContaining([200, 429]));
});

it('an address that connects too often is refused before its token is looked at; behind proxies by what they say', async () => {
  const { url } = await startServer(database, { limits: { addressConnectsPerMinute: 2 }, proxyHops: 1 });
  const askAs = async (address: string, token: string) =>
    refusedAt(url, '/v1/events/stream', { authorization: `Bearer ${token}`, 'x-forwarded-for': address });
  const codes = [];
  for (let n = 0; n < 3; n++) codes.push((await askAs(`9.9.9.${n}, 203.0.113.1`, `rubbish-${n}`)).error.code);
  expect(codes).toEqual(['TOKEN_INVALID', 'TOKEN_INVALID', 'RATE_LIMITED']);
  expect((await askAs('203.0.113.2', 'rubbish')).error.code).toBe('TOKEN_INVALID');
  // The same over Socket.IO.
  const client = await connectClient(url, {
    retries: true,
    options: { extraHeaders: { 'x-forwarded-for': '203.0.113.1' } },
  });
  expect((await until(() => client.refusals[0])).data?.code).toBe('RATE_LIMITED');
});

it('server-sent events: 429 with Retry-After, and an EventSource, which would stop at that, is told when to come back', async () => {
  const { url } = await startServer(database, { limits: { userConnectsPerMinute: 2 } });
  expect(await handshakes(url, 2)).toEqual([200, 200]);
  const refused = await refusedAt(url, '/v1/events/stream', await bearer());
  expect(refused).toMatchObject({ status: 429, error: { code: 'RATE_LIMITED' } });
  expect(Number(refused.retryAfter)).toBe(Math.ceil(refused.error.retryAfterMs / 1_000));
  const headers = { accept: 'text/event-stream' };
  const source = openStream(url, { token: await signToken(), headers, reconnect: false });
  await until(() => source.closes.length > 0);
  expect(source.closes[0]).toMatchObject({ code: 'RATE_LIMITED', retry: true });
  expect(source.retries[0]).toBeGreaterThan(15_000);
});

it('history over HTTP: 429 with Retry-After, for that user alone', async () => {
  const { url } = await startServer(database, { limits: { userReadsPerMinute: 2 } });
  const headers = await bearer();
  expect((await fetch(`${url}/v1/events`, { headers })).status).toBe(200);
  expect((await fetch(`${url}/v1/cursor`, { headers })).status).toBe(200);
  for (const path of ['/v1/events', '/v1/cursor']) {
    const refused = await refusedAt(url, path, headers);
    expect(refused).toMatchObject({ status: 429, error: { code: 'RATE_LIMITED' } });
    expect(Number(refused.retryAfter)).toBeGreaterThanOrEqual(29);
  }
  expect((await fetch(`${url}/v1/events`, { headers: await bearer({ sub: 'user-2' }) })).status).toBe(200);
});

it('requests of a session: those beyond are refused in the ack, the session and its events go on', async () => {
  const { url } = await startServer(database, { limits: { sessionRequestsPerMinute: 3 } });
  const client = await connectClient(url);
  await client.live();
  const answers = [];
  for (let n = 0; n < 4; n++) answers.push(await ask(client, 'subscribe', { unit: `u${n}` }));
  expect(answers.map(({ ok }) => ok)).toEqual([true, true, true, false]);
  expect(answers[3]).toMatchObject({
    error: { code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) as number },
  });
  expect(await ask(client, 'unsubscribe', { unit: 'u1' })).toMatchObject({ ok: true });
  for (let n = 0; n < 2; n++) await ask(client, 'unsubscribe', { unit: 'u1' });
  expect(await ask(client, 'unsubscribe', { unit: 'u1' })).toMatchObject({
    error: { code: 'RATE_LIMITED' },
  });
  await append(database.pool, { org: 'acme', unit: 'u2', type: 'unit', data: null });
  await until(() => client.events.length === 1);
  // Another session has its own.
  const other = await connectClient(url);
  await other.live();
  expect(await ask(other, 'subscribe', { unit: 'u1' })).toMatchObject({ ok: true });
});

it('sessions of a user and of an org: one beyond is refused, and has a place when another has ended', async () => {
  const { url } = await startServer(database, { limits: { userSessions: 1, orgSessions: 2 } });
  const first = await connectClient(url);
  await first.live();
  const second = await connectClient(url, { retries: true });
  expect((await until(() => second.refusals[0])).data?.code).toBe('RATE_LIMITED');
  const stream = openStream(url, { token: await signToken({ sub: 'user-2' }) });
  await stream.live();
  const third = await connectClient(url, { token: await signToken({ sub: 'user-3' }), retries: true });
  expect((await until(() => third.refusals[0])).data?.code).toBe('RATE_LIMITED');
  await (await connectClient(url, { token: await signToken({ org_id: 'rival' }) })).live();

  stream.close();
  await until(async () => {
    if (!third.socket.active) third.socket.connect();
    return third.lives.length > 0;
  });
  first.socket.disconnect();
  await until(async () => {
    if (!second.socket.active) second.socket.connect();
    return second.lives.length > 0;
  });
});

it('handshakes that are let in at the same time do not become more sessions than there is room for', async () => {
  const held: (() => void)[] = [];
  const { url } = await startServer(database, {
    limits: { userSessions: 2 },
    authorize: async () => {
      await new Promise<void>((resolve) => held.push(resolve));
      return true;
    },
  });
  const clients = await Promise.all(
    Array.from({ length: 5 }, () =>
      connectClient(url, { subscriptions: [{ unit: 'u1' }], options: { reconnection: false } }),
    ),
  );
  await until(() => held.length === 5);
  for (const release of held) release();
  await until(() => clients.filter(({ closes }) => closes.length > 0).length === 3);
  await until(() => clients.filter(({ lives }) => lives.length > 0).length === 2);
  expect(clients.flatMap(({ closes }) => closes.map(({ code, retry }) => ({ code, retry })))).toEqual(
    Array.from({ length: 3 }, () => ({ code: 'RATE_LIMITED', retry: true })),
  );
});

it('our client waits for as long as it is told, and then comes back by itself', async () => {
  const { url } = await startServer(database, { limits: { userConnectsPerMinute: 120 } });
  const statuses = await handshakes(url, 130);
  expect(statuses).toContain(429);
  const client = connect({ url, token: await signToken() });
  onTestFinished(() => client.close());
  const tries: { at: number; name: string; waitMs: number }[] = [];
  client.onState((state) => {
    const waitMs = 'reason' in state ? (state.reason.retryAfterMs ?? 0) : 0;
    tries.push({ at: performance.now(), name: state.name, waitMs });
  });
  await until(() => client.state.name === 'live');
  const [offline, connecting] = tries;
  expect([offline?.name, connecting?.name]).toEqual(['offline', 'connecting']);
  expect(offline?.waitMs).toBeGreaterThan(0);
  // A timer may be a millisecond early.
  expect((connecting?.at ?? 0) - (offline?.at ?? 0)).toBeGreaterThanOrEqual((offline?.waitMs ?? 0) - 2);
});
