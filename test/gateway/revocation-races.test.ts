import { expect, it } from 'vitest';
import type { Subscription } from '../../src/core/subscription.ts';
import type { Identity } from '../../src/gateway/identity.ts';
import { append } from '../../src/log/append.ts';
import { revoke } from '../../src/log/revoke.ts';
import { connectClient, type TestClient } from '../support/client.ts';
import { setClockAhead } from '../support/clock.ts';
import { createDatabase } from '../support/database.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { startGatedServer } from './gated-server.ts';
import { hold } from './held.ts';

const pageSize = 500;
const scopes = [{}, { unit: 'u1' }, { site: 's1' }, { site: 's1', unit: 'u1' }, { unit: 'u2' }];

const types = ({ events }: TestClient) => events.map(({ type }) => type);

const failed = (work: Promise<unknown>) =>
  work.then(
    () => 'joined',
    (error: { code: string }) => error.code,
  );

/** A log of several pages, and a server that keeps nothing of it in memory. */
async function startWithLog() {
  const database = await createDatabase();
  await append(
    database.pool,
    Array.from({ length: 4 * pageSize }, (_, n) => ({
      org: 'acme',
      type: 'old',
      data: n,
      ...scopes[n % scopes.length],
    })),
  );
  const server = await startGatedServer(database);
  await server.reach();
  const { epoch } = server.gateway.dispatcher;
  return { database, server, first: `${epoch}-0` };
}

it.each([0, 1, 2, 3])(
  'P4: of a session that is catching up when its user loses the org, what was read before and not sent is not sent: after %i pages',
  async (pages) => {
    const { database, server, first } = await startWithLog();
    server.replays.hold(pages);
    const kim = await connectClient(server.url, {
      token: await signToken({ sub: 'kim' }),
      subscriptions: [{ deep: true }],
      cursor: first,
    });
    await until(() => server.replays.waiting === 1);
    await revoke(database.pool, { org: 'acme', user: 'kim' });
    await append(database.pool, { org: 'acme', type: 'later', data: null });
    await server.reach();
    server.replays.release();
    await until(() => kim.closes.length > 0 && !kim.socket.connected);
    expect(kim.closes).toMatchObject([{ code: 'ORG_FORBIDDEN', retry: false }]);
    expect(kim.positions).toEqual(Array.from({ length: pages * pageSize }, (_, n) => n + 1));
    expect(kim.lives).toEqual([]);
  },
);

it('P4: a session that is catching up when its user loses a unit gets nothing of it beyond the page under way, and all of the rest', async () => {
  const { database, server, first } = await startWithLog();
  const subscriptions: Subscription[] = [{ unit: 'u1' }, { site: 's1', deep: true }, { unit: 'u2' }];
  server.replays.hold(1);
  const kim = await connectClient(server.url, {
    token: await signToken({ sub: 'kim' }),
    subscriptions,
    cursor: first,
  });
  const revoked: unknown[] = [];
  let seenWhenTold = 0;
  kim.socket.on('revoked', ({ subscription }) => {
    revoked.push(subscription);
    seenWhenTold = kim.positions.at(-1) ?? 0;
  });
  await until(() => server.replays.waiting === 1);
  await revoke(database.pool, { org: 'acme', user: 'kim', unit: 'u1' });
  await append(
    database.pool,
    scopes.map((scope) => ({ org: 'acme', type: 'later', data: null, ...scope })),
  );
  await server.reach();
  server.replays.release();
  await kim.live();
  expect(revoked).toEqual([{ unit: 'u1' }, { site: 's1', deep: true }]);
  expect(kim.lives[0]?.subscriptions).toEqual([{}, { unit: 'u2' }]);
  const kept = "unit_id = 'u2' or (unit_id is null and site_id is null)";
  const { rows } = await database.pool.query<{ position: string; kept: boolean; type: string }>(
    `select position, type, ${kept} as kept from commitcast.log where not control order by position`,
  );
  const expected = rows.filter(({ position, kept: isKept }) => isKept || Number(position) <= seenWhenTold);
  expect(kim.positions).toEqual(expected.map(({ position }) => Number(position)));
  expect(kim.events.filter(({ type }) => type === 'later')).toMatchObject([{}, { unit: 'u2' }]);
});

it('P4: a session that comes from an instance ahead of this one is closed when this one gets to the revocation', async () => {
  const { database, server } = await startWithLog();
  const ahead = await startGatedServer(database);
  await revoke(database.pool, { org: 'acme', user: 'kim' });
  await append(database.pool, { org: 'acme', type: 'later', data: null });
  await ahead.reach();
  const { epoch, position } = ahead.gateway.dispatcher;
  // A cursor from there is one that somebody else has; the token is refused there.
  const kim = { token: await signToken({ sub: 'kim' }), cursor: `${epoch}-${position - 1}` };
  const refused = await connectClient(ahead.url, kim);
  await until(() => refused.refusals[0]?.data?.code === 'ORG_FORBIDDEN');
  const early = await connectClient(server.url, kim);
  await until(() => early.socket.connected);
  await server.reach();
  await until(() => early.closes[0]?.code === 'ORG_FORBIDDEN');
  expect([early.events, early.lives]).toEqual([[], []]);
});

it('P4: whoever waits for `authorize` of joinSite, joinUnit or subscribe when the right is lost does not get it', async () => {
  const database = await createDatabase();
  const asked: ReturnType<typeof hold<boolean>>[] = [];
  const server = await startGatedServer(database, {
    authorize: () => {
      const answer = hold(true);
      asked.push(answer);
      return answer.promise;
    },
  });
  const kim = await connectClient(server.url, { token: await signToken({ sub: 'kim' }) });
  await kim.live();
  const socket = server.socketOf(kim);
  const { socketService } = server.gateway;
  const joins = [
    failed(socketService.joinUnit(socket, 'u1')),
    failed(socketService.joinSite(socket, 's1')),
    failed(socketService.joinSite(socket, 's2')),
  ];
  const subscribing: Promise<unknown> = kim.socket.emitWithAck('subscribe', { deep: true });
  await until(() => asked.length === 4);
  await revoke(database.pool, { org: 'acme', user: 'kim', unit: 'u1' });
  await revoke(database.pool, { org: 'acme', user: 'kim', site: 's1' });
  await server.reach();
  for (const { release } of asked) release();
  expect(await Promise.all(joins)).toEqual(['SUBSCRIPTION_DENIED', 'SUBSCRIPTION_DENIED', 'joined']);
  expect(await subscribing).toMatchObject({ ok: false, error: { code: 'SUBSCRIPTION_DENIED' } });
  expect([...socket.rooms].filter((room) => room.startsWith('org:'))).toEqual([
    'org:acme',
    'org:acme:site:s2',
  ]);

  // Of the whole org, the session has ended: nothing is joined any more.
  const pending = failed(socketService.joinUnit(socket, 'u2'));
  await until(() => asked.length === 5);
  await revoke(database.pool, { org: 'acme', user: 'kim' });
  await server.reach();
  asked[4]?.release();
  expect(await pending).toBe('SUBSCRIPTION_DENIED');
  expect(socket.rooms.size).toBe(0);
});

/** Tokens that a test answers for: `name` is of that user, issued so many seconds from now. */
function heldTokens() {
  const waiting = new Map<string, () => void>();
  const now = Date.now() / 1_000;
  return {
    waiting,
    verifyAccessToken: async (token: string): Promise<Identity> => {
      const [userId = '', issuedIn = '0', isHeld] = token.split(',');
      if (isHeld) {
        const gate = hold(undefined);
        waiting.set(token, gate.release);
        await gate.promise;
      }
      return { userId, organizationId: 'acme', expiresAt: now + 3_600, issuedAt: now + Number(issuedIn) };
    },
  };
}

it('P4: a token that is being verified when its user loses the org is refused: of a handshake, of a renewal, over HTTP', async () => {
  const database = await createDatabase();
  const { waiting, verifyAccessToken } = heldTokens();
  const server = await startGatedServer(database, { verifyAccessToken });
  setClockAhead(60);
  const young = await connectClient(server.url, { token: 'kim,60' });
  await young.live();
  const shaking = await connectClient(server.url, { token: 'kim,0,handshake' });
  const renewing: Promise<unknown> = young.socket.emitWithAck('authenticate', { token: 'kim,0,renewal' });
  const reading = fetch(`${server.url}/v1/events`, { headers: { authorization: 'Bearer kim,0,history' } });
  await until(() => waiting.size === 3);
  await revoke(database.pool, { org: 'acme', user: 'kim' });
  await server.reach();
  for (const release of waiting.values()) release();
  await until(() => shaking.refusals[0]?.data?.code === 'ORG_FORBIDDEN');
  expect(await renewing).toMatchObject({ ok: false, error: { code: 'ORG_FORBIDDEN' } });
  const response = await reading;
  expect([response.status, await response.json()]).toMatchObject([403, { error: { code: 'ORG_FORBIDDEN' } }]);
  // Its own token is younger than the revocation: it stays.
  await append(database.pool, { org: 'acme', type: 'later', data: null });
  await server.reach();
  await until(() => types(young).includes('later'));
});

it('P4: a renewal that is under way when a unit is lost does not bring it back; a younger token may', async () => {
  const database = await createDatabase();
  const { waiting, verifyAccessToken } = heldTokens();
  const server = await startGatedServer(database, { verifyAccessToken });
  const subscriptions = [{ unit: 'u1' }, { unit: 'u2' }];
  const kim = await connectClient(server.url, { token: 'kim,-60', subscriptions });
  await kim.live();
  const renewing: Promise<unknown> = kim.socket.emitWithAck('authenticate', { token: 'kim,0,held' });
  await until(() => waiting.size === 1);
  await revoke(database.pool, { org: 'acme', user: 'kim', unit: 'u1' });
  await server.reach();
  waiting.get('kim,0,held')?.();
  expect(await renewing).toEqual({ ok: true });
  const subscribe = (): Promise<unknown> => kim.socket.emitWithAck('subscribe', { unit: 'u1' });
  expect(await subscribe()).toMatchObject({ ok: false, error: { code: 'SUBSCRIPTION_DENIED' } });
  setClockAhead(60);
  expect(await kim.socket.emitWithAck('authenticate', { token: 'kim,60' })).toEqual({ ok: true });
  expect(await subscribe()).toMatchObject({ ok: true });
  // An older token takes what it may not have, and leaves the rest.
  const told: unknown[] = [];
  kim.socket.on('revoked', ({ subscription }) => told.push(subscription));
  expect(await kim.socket.emitWithAck('authenticate', { token: 'kim,0' })).toEqual({ ok: true });
  expect(told).toEqual([{ unit: 'u1' }]);
  await append(database.pool, [
    { org: 'acme', type: 'of u1', data: null, unit: 'u1' },
    { org: 'acme', type: 'of u2', data: null, unit: 'u2' },
  ]);
  await server.reach();
  await until(() => types(kim).includes('of u2'));
  expect(types(kim)).toEqual(['of u2']);
});
