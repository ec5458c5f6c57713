import { beforeAll, expect, it } from 'vitest';
import { CommitcastError } from '../../src/core/errors.ts';
import { append } from '../../src/log/append.ts';
import { connectClient, type TestClientOptions } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer, type TestServerOptions } from '../support/server.ts';
import { signToken, type Claims } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { arrive } from './arrive.ts';

const database = await createDatabase();
const withoutOrg = (claims: Claims = {}) => signToken({ ...claims, org_id: undefined });

beforeAll(async () => {
  await database.pool.query(`
    insert into commitcast.membership (user_id, org_id, profile_id, email, role, sites, units, is_primary, created_at) values
      ('two', 'older', 'p-older', 'older@x', 'member', null, null, false, '2020-01-01'),
      ('two', 'newer', 'p-newer', 'newer@x', 'admin', null, null, false, '2021-01-01'),
      ('three', 'older', null, null, 'member', null, null, false, '2020-01-01'),
      ('three', 'chosen', null, null, 'member', null, null, true, '2022-01-01'),
      ('narrow', 'acme', null, null, 'member', '{s1}', '{u1}', true, '2020-01-01')`);
});

async function arriveWith(options: TestServerOptions, auth: TestClientOptions) {
  const server = await startServer(database, options);
  return arrive(server, auth);
}

it('claims become `socket.data`', async () => {
  const claims = { sub: 'u', org_id: 'acme', role: 'admin', email: 'u@x', profile_id: 'p' };
  expect(await arriveWith({}, { token: await signToken(claims) })).toEqual({
    organizationId: 'acme',
    userId: 'u',
    profileId: 'p',
    role: 'admin',
    email: 'u@x',
  });
});

it('without a claimed org: the primary membership, else the oldest; `auth.org` picks among several', async () => {
  const server = await startServer(database);
  const two = await withoutOrg({ sub: 'two' });
  const three = await withoutOrg({ sub: 'three' });
  expect(await arrive(server, { token: two })).toEqual({
    organizationId: 'older',
    userId: 'two',
    profileId: 'p-older',
    role: 'member',
    email: 'older@x',
  });
  expect(await arrive(server, { token: two, org: 'newer' })).toMatchObject({
    organizationId: 'newer',
    role: 'admin',
  });
  expect(await arrive(server, { token: three })).toMatchObject({ organizationId: 'chosen' });
  expect(await arrive(server, { token: three, org: 'older' })).toMatchObject({ organizationId: 'older' });
  // What the token says of the user goes before what the membership says.
  expect(await arrive(server, { token: await withoutOrg({ sub: 'two', role: 'guest' }) })).toMatchObject({
    organizationId: 'older',
    role: 'guest',
    email: 'older@x',
  });
});

it('P4: no org, or one that is not theirs, is refused: ORG_REQUIRED, ORG_FORBIDDEN', async () => {
  const server = await startServer(database);
  const two = await withoutOrg({ sub: 'two' });
  expect(await arrive(server, { token: await withoutOrg({ sub: 'nobody' }) })).toBe('ORG_REQUIRED');
  for (const org of [
    'chosen',
    'rival',
    '',
    'older:unit:u1',
    "' or true --",
    'x'.repeat(10_000),
    7,
    ['older'],
    {},
    null,
  ]) {
    expect(await arrive(server, { token: two, org: org as string }), JSON.stringify(org).slice(0, 40)).toBe(
      'ORG_FORBIDDEN',
    );
  }
  // Also when the token claims an org: it is that one, or none.
  expect(await arrive(server, { token: await signToken({ sub: 'two' }), org: 'older' })).toBe(
    'ORG_FORBIDDEN',
  );
  expect(await arrive(server, { token: await signToken({ sub: 'two' }), org: 'acme' })).toMatchObject({
    organizationId: 'acme',
  });
});

it('P4: an org that is no identifier, and claims of the wrong type, are refused, not ignored', async () => {
  const server = await startServer(database);
  const bad: Record<string, unknown>[] = [
    { org_id: '' },
    { org_id: 'acme:unit:u1' },
    { org_id: "acme'--" },
    { org_id: 'acme\n' },
    { org_id: 'x'.repeat(10_000) },
    { org_id: 7 },
    { org_id: ['acme'] },
    { org_id: { id: 'acme' } },
    { sites: 's1' },
    { sites: ['s1', 2] },
    { sites: { 0: 's1' } },
    { sites: true },
    { units: 'u1' },
    { units: [null] },
    { role: 7 },
    { email: [] },
    { profile_id: {} },
  ];
  for (const claims of bad) {
    expect(
      await arrive(server, { token: await signToken(claims) }),
      JSON.stringify(claims).slice(0, 60),
    ).toBe('TOKEN_INVALID');
  }
});

it('P4: the sites and units of a membership narrow what its user may see', async () => {
  const server = await startServer(database);
  const client = await connectClient(server.url, {
    token: await withoutOrg({ sub: 'narrow' }),
    subscriptions: [{ deep: true }, { site: 's1' }, { site: 's2' }, { unit: 'u1' }, { unit: 'u2' }],
  });
  expect((await client.live()).subscriptions).toEqual([{}, { site: 's1' }, { unit: 'u1' }]);
  await append(database.pool, [
    { org: 'acme', unit: 'u2', type: 'no', data: null },
    { org: 'acme', unit: 'u1', type: 'yes', data: null },
  ]);
  await until(() => client.events.length > 0);
  expect(client.events.map(({ type }) => type)).toEqual(['yes']);
});

const identify = ({ tenant, sub }: Record<string, unknown>) => ({
  organizationId: tenant as string,
  userId: `user:${sub as string}`,
  sites: ['s9'],
});

it('`identify` reads other claims', async () => {
  const token = await signToken({ tenant: 'acme', org_id: 'ignored' });
  expect(await arriveWith({ identify }, { token })).toMatchObject({
    organizationId: 'acme',
    userId: 'user:user-1',
  });
  const forged = await signToken({ tenant: 'acme:unit:u1' });
  expect(await arriveWith({ identify }, { token: forged })).toBe('TOKEN_INVALID');
});

it('`verifyAccessToken` replaces the whole; what it throws is a refusal', async () => {
  const expiresAt = Math.floor(Date.now() / 1_000) + 60;
  const verifyAccessToken = (token: string) => {
    if (token === 'coded') return Promise.reject(new CommitcastError('TOKEN_EXPIRED'));
    if (token === 'sync') throw new Error('thrown at once');
    if (token !== 'opaque') return Promise.reject(new Error('unknown token'));
    return Promise.resolve({ userId: 'u', organizationId: 'acme', expiresAt });
  };
  const server = await startServer(database, { jwt: undefined, verifyAccessToken });
  expect(await arrive(server, { token: 'opaque' })).toMatchObject({ organizationId: 'acme', userId: 'u' });
  expect(await arrive(server, { token: 'opaque', org: 'rival' })).toBe('ORG_FORBIDDEN');
  expect(await arrive(server, { token: 'coded' })).toBe('TOKEN_EXPIRED');
  expect(await arrive(server, { token: 'rubbish' })).toBe('TOKEN_INVALID');
  expect(await arrive(server, { token: 'sync' })).toBe('TOKEN_INVALID');
  expect(await arrive(server, { token: '' })).toBe('TOKEN_REQUIRED');
  expect(await arrive(server, { token: 7 as unknown as string })).toBe('TOKEN_REQUIRED');
});

it('`getUserPrimaryOrganization` replaces the table, also for who asks for an org by name', async () => {
  const server = await startServer(database, {
    getUserPrimaryOrganization: (userId) =>
      Promise.resolve(
        userId === 'two' ? { organizationId: 'mine', profileId: 'p', role: 'owner', email: null } : null,
      ),
  });
  const token = await withoutOrg({ sub: 'two' });
  const mine = { organizationId: 'mine', profileId: 'p', role: 'owner' };
  expect(await arrive(server, { token })).toMatchObject(mine);
  expect(await arrive(server, { token, org: 'mine' })).toMatchObject(mine);
  expect(await arrive(server, { token, org: 'older' })).toBe('ORG_FORBIDDEN');
  expect(await arrive(server, { token: await withoutOrg({ sub: 'three' }) })).toBe('ORG_REQUIRED');
});

it('memberships that cannot be read refuse nobody: the client comes back by itself, and then is let in', async () => {
  const own = await createDatabase();
  const server = await startServer(own);
  await own.pool.query('alter table commitcast.membership rename to away');
  await own.pool.query(`insert into commitcast.away (user_id, org_id) values ('user-1', 'acme')`);
  const client = await connectClient(server.url, { token: await withoutOrg() });
  await until(() => client.drops >= 2);
  expect(client.refusals).toEqual([]);
  await own.pool.query('alter table commitcast.away rename to membership');
  expect(await client.live()).toMatchObject({ denied: [] });
});

it.each([{ expiresAt: undefined }, { expiresAt: Number.NaN }, { userId: '' }, { userId: undefined }])(
  'an identity that `verifyAccessToken` leaves incomplete is refused, not a crash: %j',
  async (wrong) => {
    const whole = { userId: 'user-1', organizationId: 'acme', expiresAt: Date.now() / 1000 + 60 };
    const verifyAccessToken = () => Promise.resolve({ ...whole, ...wrong } as typeof whole);
    const server = await startServer(database, { jwt: undefined, verifyAccessToken });
    expect(await arrive(server, { token: 'any' })).toBe('TOKEN_INVALID');
  },
);
