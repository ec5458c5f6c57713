import type { EventEmitter } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Subscription } from '../../src/core/subscription.ts';
import type { Identity } from '../../src/gateway/identity.ts';
import { Rights } from '../../src/gateway/rights.ts';
import { sees } from '../../src/core/sees.ts';
import type { ControlEvent } from '../../src/log/control-event.ts';
import { revoke } from '../../src/log/revoke.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { startGatedServer } from './gated-server.ts';
import { openRawWebSocket } from './raw-websocket.ts';

const seconds = 1_000_000;
const at = seconds * 1_000;

const createRights = () =>
  new Rights({ authenticate: () => Promise.reject(new Error('nobody')), authorize: () => true });

function revoked(org: string, user: string, what: Partial<ControlEvent> = {}): ControlEvent {
  return { type: 'commitcast.revoked', org, user, site: undefined, unit: undefined, at, ...what };
}

function identity(organizationId: string, userId: string, issuedAt: number | undefined = seconds): Identity {
  return { userId, organizationId, expiresAt: seconds + 3_600, issuedAt };
}

const changes: ((user: string, other: string) => string)[] = [
  (user) => user,
  (user) => user.toUpperCase(),
  (user) => user.trim(),
  (user) => ` ${user}`,
  (user) => `${user} `,
  (user) => user.replaceAll(' ', ''),
  (user) => user.replaceAll('"', "'"),
  (user, other) => `${user}${other}`,
  (_user, other) => other,
];

it('P4: no user, however named, shares a revocation with another, or with itself in another org', () => {
  const org = fc.string({ unit: fc.constantFrom('a', 'b', '.', '~'), minLength: 1, maxLength: 2 });
  const user = fc.string({
    unit: fc.constantFrom('a', 'b', ' ', ':', '"', "'", '\\', ',', '/', 'A'),
    minLength: 1,
    maxLength: 5,
  });
  fc.assert(
    fc.property(org, user, org, user, fc.constantFrom(...changes), (org, user, otherOrg, other, change) => {
      const otherUser = change(user, other);
      const rights = createRights();
      rights.act(revoked(org, user));
      expect(rights.refuses(identity(org, user))).toBe(true);
      const isSame = org === otherOrg && user === otherUser;
      expect(rights.refuses(identity(otherOrg, otherUser))).toBe(isSame);
    }),
    { numRuns: 3_000 },
  );
});

it.each<[what: string, issuedAt: number | undefined, refused: boolean]>([
  ['before the revocation', seconds - 1, true],
  ['in its second', seconds, true],
  ['within what clocks may differ', seconds + 5, true],
  ['later', seconds + 6, false],
  ['at no known time', undefined, true],
  ['as the epoch began', 0, true],
])('P4: a token that was issued %s', (_, issuedAt, refused) => {
  const rights = createRights();
  rights.act(revoked('acme', 'kim'));
  rights.act(revoked('acme', 'lee', { unit: 'u1' }));
  expect(rights.refuses({ ...identity('acme', 'kim'), issuedAt })).toBe(refused);
  expect(rights.denies({ ...identity('acme', 'lee'), issuedAt }, { unit: 'u1' })).toBe(refused);
  expect(rights.refuses({ ...identity('acme', 'lee'), issuedAt })).toBe(false);
});

it('P4: the latest time of a revocation counts, also when the clock has been put back since', () => {
  const rights = createRights();
  rights.act(revoked('acme', 'kim'));
  rights.act(revoked('acme', 'kim', { at: at - 60_000 }));
  expect(rights.refuses(identity('acme', 'kim'))).toBe(true);
});

it('P4: a subscription is denied if and only if it can show an event of what was revoked', () => {
  const ids = ['x', 'y'];
  const subscriptions: Subscription[] = [
    {},
    { deep: true },
    ...ids.flatMap((id) => [{ site: id }, { site: id, deep: true as const }, { unit: id }]),
  ];
  const optional = [undefined, ...ids];
  const scopes = optional.flatMap((site) => optional.map((unit) => ({ site, unit })));
  for (const lost of scopes) {
    const rights = createRights();
    rights.act(revoked('acme', 'kim', lost));
    for (const subscription of subscriptions) {
      // An event of the site alone is of no unit: who sees a unit of it does not see the site.
      const shown = scopes
        .filter((scope) =>
          lost.unit === undefined
            ? lost.site === undefined || (scope.site === lost.site && !('unit' in subscription))
            : scope.unit === lost.unit && (lost.site === undefined || scope.site === lost.site),
        )
        .some((scope) =>
          sees(subscription, {
            org: 'acme',
            ...(scope.site === undefined ? {} : { site: scope.site }),
            ...(scope.unit === undefined ? {} : { unit: scope.unit }),
          }),
        );
      const text = `${JSON.stringify(subscription)} without ${JSON.stringify(lost)}`;
      expect(rights.denies(identity('acme', 'kim'), subscription), text).toBe(shown || isWhole(lost));
    }
  }
});

const isWhole = ({ site, unit }: { site: string | undefined; unit: string | undefined }) =>
  site === undefined && unit === undefined;

it('P5: a right that is revoked again and again is kept once', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const rights = createRights();
  const work = (times: number) => {
    for (let n = 0; n < times; n++) rights.act(revoked('acme', 'kim', { at: at + n }));
  };
  const used = () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  work(1_000);
  const before = used();
  work(20_000);
  // Kept each, they would take more than a megabyte.
  expect(used() - before).toBeLessThan(500_000);
  expect(rights.refuses(identity('acme', 'kim', seconds + 24))).toBe(true);
});

it('P5: revocations cost a handshake no query, however many there are', async () => {
  const database = await createDatabase();
  await database.pool.query(
    `insert into commitcast.revocation (org_id, user_id, unit_id, position)
     select 'acme', 'user-' || n, case when n % 2 = 0 then 'u1' end, n from generate_series(1, 10000) n`,
  );
  await revoke(database.pool, { org: 'acme', user: 'kim', unit: 'u1' });
  const server = await startGatedServer(database);
  await server.reach();
  const asked = () =>
    [...server.replays.asked, ...server.dispatches.asked].filter((text) => /revocation/.test(text));
  expect(asked()).toHaveLength(1);
  const before = server.replays.asked.length;
  const auth = { subscriptions: [{ unit: 'u1' }, { unit: 'u2' }] };
  const clients = await Promise.all(
    ['kim', 'lee', 'user-10000'].map(async (sub) =>
      connectClient(server.url, { token: await signToken({ sub }), ...auth }),
    ),
  );
  const lives = await Promise.all(clients.map((client) => client.live()));
  expect(lives.map(({ subscriptions }) => subscriptions.length)).toEqual([2, 3, 2]);
  expect(server.replays.asked).toHaveLength(before);
  expect(asked()).toHaveLength(1);
});

it('P4: an identity whose time of issue is no time is not taken for a young one', async () => {
  const database = await createDatabase();
  const server = await startGatedServer(database, {
    verifyAccessToken: (userId) => Promise.resolve({ ...identity('acme', userId, NaN), expiresAt: 2 ** 40 }),
  });
  await revoke(database.pool, { org: 'acme', user: 'kim' });
  await server.reach();
  const client = await connectClient(server.url, { token: 'kim' });
  await until(() => client.lives.length + client.refusals.length > 0);
  expect(client.lives).toEqual([]);
});

it('P5: a connection whose handshakes are refused again and again leaves nothing behind', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const socket = await openRawWebSocket(server.url);
  const refusals = () => socket.received().split('44{').length - 1;
  for (let n = 0; n < 30; n++) {
    socket.sendFrame('40{"token":"none"}');
    await until(() => refusals() > n);
  }
  const { clients } = server.app.commitcast.io.engine as unknown as { clients: Record<string, EventEmitter> };
  expect(Object.values(clients).map((connection) => connection.listenerCount('close'))).toEqual([
    expect.toSatisfy((count: number) => count < 10),
  ]);
});
