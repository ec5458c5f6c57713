import { expect, it } from 'vitest';
import type { Membership } from '../../src/gateway/identity.ts';
import { readPrimaryMembership } from '../../src/gateway/membership.ts';
import { append } from '../../src/log/append.ts';
import { connectClient, type TestClient, type TestClientOptions } from '../support/client.ts';
import { setClockAhead } from '../support/clock.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { startGatedServer } from './gated-server.ts';
import { hold } from './held.ts';

const database = await createDatabase();
const types = ({ events }: TestClient) => events.map(({ type }) => type);
const codesOf = ({ closes }: TestClient) => closes.map(({ code }) => code);
const note = (type: string, scope: { unit?: string } = {}, org = 'acme') =>
  append(database.pool, { org, type, data: null, ...scope });
/** Names no org: the membership says which, and with what rights. */
const tokenOf = (user: string) => signToken({ sub: user, org_id: undefined });

async function join(user: string, org = 'acme'): Promise<void> {
  await database.pool.query('insert into commitcast.membership (user_id, org_id, role) values ($1, $2, $3)', [
    user,
    org,
    'member',
  ]);
}

async function connectAs(url: string, user: string, options: TestClientOptions = {}) {
  const client = await connectClient(url, {
    token: await tokenOf(user),
    subscriptions: [{ unit: 'u1' }, { unit: 'u2' }],
    ...options,
  });
  await client.live();
  return client;
}

it.each([
  [`role = 'admin'`, ['u1', 'u2']],
  [`sites = '{}'`, []],
  [`units = '{u1}'`, ['u1']],
  [`email = 'kim@example.org'`, ['u1', 'u2']],
  [`profile_id = 'p1'`, ['u1', 'u2']],
])(
  'P4, P3: when %s, a stock client comes back by itself with the rights that are in force, and misses nothing of them',
  async (change, units) => {
    const server = await startServer(database);
    const user = `changed ${change}`;
    await Promise.all([join(user), join(`${user} not`)]);
    const client = await connectAs(server.url, user);
    const other = await connectAs(server.url, `${user} not`);
    const connection = await database.connect();
    await connection.query('begin');
    await append(connection, { org: 'acme', type: 'before', data: null, unit: 'u2' });
    await connection.query(`update commitcast.membership set ${change} where user_id = $1`, [user]);
    await append(connection, { org: 'acme', type: 'after, of u2', data: null, unit: 'u2' });
    await append(connection, { org: 'acme', type: 'after, of u1', data: null, unit: 'u1' });
    await connection.query('commit');
    await note('last');
    const { subscriptions } = await client.live(2);
    expect(subscriptions).toEqual([{}, ...units.map((unit) => ({ unit }))]);
    await until(() => types(client).includes('last') && types(other).includes('last'));
    expect(types(client)).toEqual([
      'before',
      ...(units.includes('u2') ? ['after, of u2'] : []),
      ...(units.includes('u1') ? ['after, of u1'] : []),
      'last',
    ]);
    expect(client.closes).toMatchObject([{ code: 'RIGHTS_CHANGED', retry: true }]);
    expect([codesOf(other), other.lives.length, client.resets]).toEqual([[], 1, []]);
  },
);

it('a change that is none, of the other columns, of another user, or that is rolled back, ends no session', async () => {
  const server = await startServer(database);
  await Promise.all([join('steady'), join('steady too')]);
  const client = await connectAs(server.url, 'steady');
  for (const change of [
    `update commitcast.membership set role = role, sites = sites where user_id = 'steady'`,
    `update commitcast.membership set is_primary = true where user_id = 'steady'`,
    `update commitcast.membership set created_at = 'epoch' where user_id = 'steady'`,
    `update commitcast.membership set role = 'admin' where user_id = 'steady too'`,
    `insert into commitcast.membership (user_id, org_id) values ('steady', 'rival')`,
    `update commitcast.membership set role = 'admin' where user_id = 'steady' and org_id = 'rival'`,
    `delete from commitcast.membership where user_id = 'steady' and org_id = 'rival'`,
    `begin; update commitcast.membership set role = 'admin'; delete from commitcast.membership; rollback`,
  ])
    await database.pool.query(change);
  await note('last');
  await until(() => types(client).includes('last'));
  expect([codesOf(client), client.lives.length]).toEqual([[], 1]);
});

const leavings: { how: string; statement: string; replica?: boolean; kept?: string }[] = [
  { how: 'deleted', statement: 'delete from commitcast.membership' },
  { how: 'given away', statement: `update commitcast.membership set user_id = user_id || ' heir'` },
  {
    how: 'moved',
    statement: `update commitcast.membership set org_id = 'elsewhere'`,
    kept: 'elsewhere',
  },
  { how: 'deleted by a replica', statement: 'delete from commitcast.membership', replica: true },
];

it.each(leavings)(
  'P4: a user whose membership is $how loses the org',
  async ({ how, statement, replica, kept }) => {
    const server = await startServer(database);
    await Promise.all([join(how), join(`${how} not`)]);
    const [client, other] = [await connectAs(server.url, how), await connectAs(server.url, `${how} not`)];
    const connection = await database.connect();
    if (replica) await connection.query('set session_replication_role = replica');
    await connection.query(`${statement} where user_id = $1`, [how]);
    await note('last');
    await until(() => types(other).includes('last') && !client.socket.connected);
    expect([codesOf(client), types(client)]).toEqual([['ORG_FORBIDDEN'], []]);
    // Also for a token that names the org itself.
    const claims = await connectClient(server.url, { token: await signToken({ sub: how }) });
    await until(() => claims.refusals[0]?.data?.code === 'ORG_FORBIDDEN');
    const again = await connectClient(server.url, { token: await tokenOf(how) });
    await until(() => again.lives.length + again.refusals.length > 0);
    expect(again.refusals[0]?.data?.code).toBe(kept === undefined ? 'ORG_REQUIRED' : undefined);
  },
);

// As from an issuer whose clock is ahead, or while a commit waits for its standby.
it('P4: a session that was let in by a membership ends with it, however young its token', async () => {
  const server = await startServer(database);
  await Promise.all([join('young'), join('witness')]);
  setClockAhead(10);
  const iat = Math.floor(Date.now() / 1_000);
  const token = await signToken({ sub: 'young', org_id: undefined, iat });
  const client = await connectAs(server.url, 'young', { token });
  const witness = await connectAs(server.url, 'witness');
  await database.pool.query(`delete from commitcast.membership where user_id = 'young'`);
  await note('after');
  await until(() => types(witness).includes('after') && types(client).length + codesOf(client).length > 0);
  expect(types(client)).toEqual([]);
});

it.each(['', 'x'.repeat(1_025)])(
  'a membership that could be added can be deleted: of the user %j',
  async (user) => {
    // Or it is refused at once.
    await join(user).catch(() => undefined);
    await database.pool.query('delete from commitcast.membership where user_id = $1', [user]);
  },
);

it('P4: who is removed and added in one transaction needs a new token; an upsert that changes rights is a change', async () => {
  const server = await startServer(database);
  await join('replaced');
  const client = await connectAs(server.url, 'replaced');
  const upsert = `insert into commitcast.membership (user_id, org_id, units) values ('replaced', 'acme', '{u1}')
    on conflict (user_id, org_id) do update set units = excluded.units`;
  await database.pool.query(upsert);
  expect((await client.live(2)).subscriptions).toEqual([{}, { unit: 'u1' }]);
  await database.pool.query(
    `begin; delete from commitcast.membership where user_id = 'replaced'; ${upsert}; commit`,
  );
  await until(() => !client.socket.connected && codesOf(client).length === 2);
  expect(codesOf(client)).toEqual(['RIGHTS_CHANGED', 'ORG_FORBIDDEN']);
  setClockAhead(10);
  const iat = Math.floor(Date.now() / 1_000);
  const young = await connectAs(server.url, 'replaced', {
    token: await signToken({ sub: 'replaced', org_id: undefined, iat }),
  });
  expect(young.lives[0]?.subscriptions).toEqual([{}, { unit: 'u1' }]);
});

it('TRUNCATE of the memberships is refused, by whatever way, and revokes nobody', async () => {
  for (const statement of ['truncate commitcast.membership', 'truncate commitcast.membership cascade'])
    await expect(database.pool.query(statement)).rejects.toMatchObject({ code: 'CC005' });
  const client = await database.connect();
  await client.query('set session_replication_role = replica');
  await expect(client.query('truncate commitcast.membership')).rejects.toMatchObject({ code: 'CC005' });
});

it('P4: an application that may write memberships, and nothing else here, revokes by deleting them', async () => {
  const server = await startServer(database);
  await join('removed by the application');
  const client = await connectAs(server.url, 'removed by the application');
  const url = await database.urlAsMemberOf();
  const role = new URL(url).username;
  await database.pool.query(`grant usage on schema commitcast to ${role}`);
  await database.pool.query(`grant select, update, delete on commitcast.membership to ${role}`);
  const application = await database.connect(url);
  await application.query(`update commitcast.membership set role = 'admin' where user_id like 'removed by%'`);
  await client.live(2);
  await application.query(`delete from commitcast.membership where user_id like 'removed by%'`);
  await until(() => codesOf(client).includes('ORG_FORBIDDEN'));
});

it('P4: whoever is let in by a membership that changes meanwhile comes again: a handshake, a renewal, and over HTTP', async () => {
  await join('pending');
  const held: (() => void)[] = [];
  let holds = false;
  const server = await startGatedServer(database, {
    getUserPrimaryOrganization: async (user): Promise<Membership | null> => {
      const membership = await readPrimaryMembership(database.pool, user);
      const gate = hold(undefined);
      if (!holds) return membership;
      held.push(gate.release);
      await gate.promise;
      return membership;
    },
  });
  const live = await connectAs(server.url, 'pending');
  holds = true;
  const token = await tokenOf('pending');
  const shaking = await connectClient(server.url, { token, subscriptions: [{ unit: 'u1' }, { unit: 'u2' }] });
  const renewing: Promise<unknown> = live.socket
    .timeout(20_000)
    .emitWithAck('authenticate', { token })
    .catch(() => 'closed');
  const reading = fetch(`${server.url}/v1/events?unit=u2`, { headers: { authorization: `Bearer ${token}` } });
  await until(() => held.length === 3);
  holds = false;
  await database.pool.query(`update commitcast.membership set units = '{u1}' where user_id = 'pending'`);
  await note('after', { unit: 'u2' });
  await server.reach();
  for (const release of held) release();
  expect((await shaking.live()).subscriptions).toEqual([{}, { unit: 'u1' }]);
  expect((await live.live(2)).subscriptions).toEqual([{}, { unit: 'u1' }]);
  expect(await renewing).not.toMatchObject({ ok: true });
  const response = await reading;
  expect([response.status, await response.json()]).toMatchObject([
    503,
    { error: { code: 'RIGHTS_CHANGED' } },
  ]);
  expect([codesOf(shaking), codesOf(live)]).toEqual([['RIGHTS_CHANGED'], ['RIGHTS_CHANGED']]);
  expect([...types(shaking), ...types(live)]).toEqual([]);
});
