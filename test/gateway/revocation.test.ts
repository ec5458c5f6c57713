import { expect, it } from 'vitest';
import type { Identity } from '../../src/gateway/identity.ts';
import { append } from '../../src/log/append.ts';
import { revoke, type Revocation } from '../../src/log/revoke.ts';
import type { Subscription } from '../../src/core/subscription.ts';
import { connectClient, type TestClient } from '../support/client.ts';
import { setClockAhead } from '../support/clock.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { once, until } from '../support/until.ts';

const database = await createDatabase();
const now = () => Math.floor(Date.now() / 1_000);
const types = ({ events }: TestClient) => events.map(({ type }) => type);
const note = (type: string, scope: { org?: string; site?: string; unit?: string } = {}) =>
  append(database.pool, { org: 'acme', type, data: null, ...scope });

/** Two clients of one org, with all of it; who comes second stays. */
async function twoUsers(url: string, subscriptions: Subscription[] = [{ deep: true }]) {
  const [kim, lee] = [await signToken({ sub: 'kim' }), await signToken({ sub: 'lee' })];
  const leaver = await connectClient(url, { token: kim, subscriptions });
  const stayer = await connectClient(url, { token: lee, subscriptions });
  await Promise.all([leaver.live(), stayer.live()]);
  return { kim, leaver, stayer };
}

it('P4: a revocation takes effect at its place: what its transaction and earlier ones said arrives, nothing after it', async () => {
  const server = await startServer(database);
  const { kim, leaver, stayer } = await twoUsers(server.url);
  const revoked = once<[object]>(leaver.socket, 'revoked');
  const client = await database.connect();
  await client.query('begin');
  await append(client, { org: 'acme', type: 'before', data: null });
  await revoke(client, { org: 'acme', user: 'kim' });
  await append(client, { org: 'acme', type: 'after, in the same transaction', data: null });
  await client.query('commit');
  await note('later');
  await until(() => stayer.events.length === 3);
  expect(await revoked).toEqual([{}]);
  await until(() => !leaver.socket.connected);
  expect(types(leaver)).toEqual(['before']);
  expect(leaver.closes).toMatchObject([{ code: 'ORG_FORBIDDEN', retry: false }]);
  expect(stayer.closes).toEqual([]);

  const again = await connectClient(server.url, { token: kim, cursor: leaver.cursor ?? '' });
  await until(() => again.refusals.length > 0);
  expect(again.refusals[0]?.data).toEqual({ code: 'ORG_FORBIDDEN' });
  const response = await fetch(`${server.url}/v1/events`, { headers: { authorization: `Bearer ${kim}` } });
  expect(response.status).toBe(403);
});

it('P4: a token that is younger than the revocation, by more than the clocks may differ, is taken again', async () => {
  const server = await startServer(database);
  await revoke(database.pool, { org: 'acme', user: 'ann' });
  const old = await connectClient(server.url, { token: await signToken({ sub: 'ann', iat: now() + 3 }) });
  // Refused, or, where the revocation has not arrived yet, closed when it does.
  await until(() => old.refusals.length + old.closes.length > 0);
  setClockAhead(10);
  const young = await signToken({ sub: 'ann', iat: now() });
  const client = await connectClient(server.url, { token: young });
  await client.live();
  const codes = [old.refusals[0]?.data?.code, old.closes[0]?.code];
  expect(codes).toContain('ORG_FORBIDDEN');
});

it('P4: revocations are known to an instance that starts after them', async () => {
  await revoke(database.pool, { org: 'acme', user: 'max' });
  const server = await startServer(database);
  const client = await connectClient(server.url, { token: await signToken({ sub: 'max' }) });
  await until(() => client.refusals.length > 0);
  expect(client.refusals[0]?.data).toEqual({ code: 'ORG_FORBIDDEN' });
});

const all: Subscription[] = [
  { deep: true },
  { site: 's1' },
  { site: 's1', deep: true },
  { site: 's2', deep: true },
  { unit: 'u1' },
  { unit: 'u2' },
];
const losses: { what: Partial<Revocation>; kept: Subscription[] }[] = [
  { what: { site: 's1' }, kept: [{ site: 's2', deep: true }, { unit: 'u1' }, { unit: 'u2' }] },
  { what: { unit: 'u1' }, kept: [{ site: 's1' }, { unit: 'u2' }] },
  { what: { site: 's1', unit: 'u1' }, kept: [{ site: 's1' }, { site: 's2', deep: true }, { unit: 'u2' }] },
];

it.each(losses)('P4: losing $what leaves exactly $kept, and the session', async ({ what, kept }) => {
  const server = await startServer(database);
  const user = `partly-${JSON.stringify(what)}`;
  const token = await signToken({ sub: user });
  const client = await connectClient(server.url, { token, subscriptions: all });
  await client.live();
  const told: (Subscription | undefined)[] = [];
  client.socket.on('revoked', ({ subscription }) => told.push(subscription));
  await revoke(database.pool, { org: 'acme', user, ...what });
  await until(() => told.length === all.length - kept.length);
  expect(told).toEqual(all.filter((one) => !kept.some((other) => isSame(one, other))));
  for (const subscription of all) {
    const answer: unknown = await client.socket.emitWithAck('subscribe', subscription);
    const wanted = kept.some((one) => isSame(one, subscription))
      ? { ok: true }
      : { ok: false, error: { code: 'SUBSCRIPTION_DENIED' } };
    expect(answer, JSON.stringify(subscription)).toMatchObject(wanted);
  }
  const back = await connectClient(server.url, { token, subscriptions: all });
  const { denied, subscriptions } = await back.live();
  expect(subscriptions).toEqual([{}, ...kept]);
  expect(denied.map(({ code }) => code)).toEqual(told.map(() => 'SUBSCRIPTION_DENIED'));
  expect(client.socket.connected).toBe(true);
});

const isSame = (one: Subscription, other: Subscription) => JSON.stringify(one) === JSON.stringify(other);

it('P4: whoever is asked about while the revocation takes effect is not let in by the answer', async () => {
  const asked: { identity: Identity; answer: (allowed: boolean) => void }[] = [];
  const server = await startServer(database, {
    authorize: (identity) => new Promise((answer) => asked.push({ identity, answer })),
  });
  const token = await signToken({ sub: 'pending' });
  const other = await connectClient(server.url, { token: await signToken({ sub: 'other' }) });
  await other.live();
  const early = await connectClient(server.url, { token });
  await early.live();
  const subscribing: Promise<unknown> = early.socket.emitWithAck('subscribe', { unit: 'u1' });
  const connecting = await connectClient(server.url, { token, subscriptions: [{ unit: 'u1' }] });
  await until(() => asked.length === 2);
  await revoke(database.pool, { org: 'acme', user: 'pending', unit: 'u1' });
  await note('settled');
  await until(() => types(other).includes('settled'));
  for (const { answer } of asked) answer(true);
  expect(await subscribing).toMatchObject({ ok: false, error: { code: 'SUBSCRIPTION_DENIED' } });
  await connecting.live();
  await note('of the unit', { unit: 'u1' });
  await note('after it');
  await until(() => types(connecting).includes('after it') && types(early).includes('after it'));
  expect([...types(connecting), ...types(early)]).not.toContain('of the unit');
});

it('P4: a handshake that is under way when its user loses the org is not let in', async () => {
  const asked: ((allowed: boolean) => void)[] = [];
  const server = await startServer(database, {
    authorize: () => new Promise((answer) => asked.push(answer)),
  });
  const other = await connectClient(server.url, { token: await signToken({ sub: 'other' }) });
  await other.live();
  const client = await connectClient(server.url, {
    token: await signToken({ sub: 'late' }),
    subscriptions: [{ unit: 'u1' }],
  });
  await until(() => asked.length === 1);
  await revoke(database.pool, { org: 'acme', user: 'late' });
  await note('settled');
  await until(() => types(other).includes('settled'));
  asked[0]?.(true);
  await until(() => client.closes.length > 0 || client.refusals.length > 0);
  expect(client.closes).toMatchObject([{ code: 'ORG_FORBIDDEN' }]);
  expect(client.lives).toEqual([]);
  expect(client.events).toEqual([]);
});

it('refuses what is no revocation, and nothing is revoked by it', async () => {
  const wrong = [{}, { org: 'acme' }, { org: 'a:b', user: 'kim' }, { org: 'acme', user: '' }, null];
  const misspelt = { org: 'acme', user: 'kim', sites: 's1' };
  for (const revocation of [...wrong, misspelt, { org: 'acme', user: 'kim', unit: '' }])
    await expect(revoke(database.pool, revocation as Revocation)).rejects.toMatchObject({
      code: 'EVENT_INVALID',
    });
  await expect(database.pool.query(`select commitcast.revoke('acme', '')`)).rejects.toMatchObject({
    code: 'CC001',
  });
});
