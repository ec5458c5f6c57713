import { expect, it, onTestFinished } from 'vitest';
import type { EventsAnswer } from '../../src/http/history.ts';
import { readPrimaryMembership } from '../../src/gateway/membership.ts';
import { append } from '../../src/log/append.ts';
import { readHead } from '../../src/log/head.ts';
import { dropPartitionsBelow, makePartitions } from '../../src/log/partitions.ts';
import { saveRelayState } from '../../src/log/relay-state.ts';
import { revoke } from '../../src/log/revoke.ts';
import { disturbAdapter } from '../../src/testing/disturb-adapter.ts';
import { startGatedServer } from '../gateway/gated-server.ts';
import { connectClient, type TestClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { createGate } from '../support/gate.ts';
import { chooseSeed, createRandom } from '../support/random.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { connectMembers, orgs, readExpected, readLosses, write } from './revocation-load.ts';

const types = ({ events }: TestClient) => events.map(({ type }) => type);
const lastOf = ({ app }: TestServer) => Number(app.commitcast.cursor().split('-')[1]);

it.each([2, 3])(
  'P4, P3: with %i instances that lose every doorbell, under load, each user has exactly what came before its losses',
  async (count) => {
    const database = await createDatabase();
    const random = createRandom(chooseSeed('revocation'));
    const servers: TestServer[] = [];
    for (let n = 0; n < count; n++) servers.push(await startServer(database, { adapter: 'postgres' }));
    for (const { app } of servers) {
      const disturbance = disturbAdapter(app.commitcast.io, { drop: 1 });
      onTestFinished(() => {
        disturbance.stop();
      });
    }
    const urls = servers.map(({ url }) => url);
    const members = await connectMembers(urls, 12);
    // A third loses the org, a third a unit of it.
    const losses = members
      .filter((_, n) => n % 9 < 6)
      .map(({ org, user }, n) => ({ org, user, ...(n % 6 < 3 ? { unit: 'u1' } : {}) }))
      .sort(() => random.fraction() - 0.5);
    const writers = Array.from({ length: 4 }, () => write(database, random.fork(), 60, losses));
    await Promise.all(writers);
    await append(
      database.pool,
      orgs.map((org) => ({ org, type: 'end', data: null })),
    );
    const { last } = await readHead(database.pool);
    await until(() => servers.every((server) => lastOf(server) === last));

    let closed = 0;
    for (const member of members) {
      const { client, token, subscriptions, org, user } = member;
      const { whole } = await readLosses(database, member);
      const expected = await readExpected(database, member);
      await until(() => client.positions.length >= expected.length, {
        message: `${user} of ${org} to have all`,
      });
      expect(client.positions, `${user} of ${org}`).toEqual(expected);
      expect(client.closes.map(({ code }) => code)).toEqual(whole < Infinity ? ['ORG_FORBIDDEN'] : []);
      expect(client.resets).toEqual([]);
      if (whole === Infinity) continue;
      closed++;
      const auth = {
        token,
        subscriptions,
        ...(client.cursor === undefined ? {} : { cursor: client.cursor }),
      };
      for (const url of urls) {
        const again = await connectClient(url, auth);
        await until(() => again.refusals[0]?.data?.code === 'ORG_FORBIDDEN');
        again.socket.disconnect();
      }
    }
    expect([losses.length, closed]).toEqual([0, 9]);
  },
);

it.each(['cut off', 'in a black hole'] as const)(
  'P4: an instance that is %s takes a revoked token, or not, but shows it nothing that came after, then or later',
  async (fault) => {
    const database = await createDatabase();
    const proxy = await startTcpProxy(database.url);
    const leader = await startServer(database, { adapter: 'postgres' });
    const lagging = await startServer(database, {
      adapter: 'postgres',
      relay: false,
      databaseUrl: proxy.url,
    });
    const token = await signToken({ sub: 'kim' });
    const stays = await connectClient(lagging.url, { token: await signToken({ sub: 'lee' }) });
    const kim = await connectClient(lagging.url, { token });
    await Promise.all([stays.live(), kim.live()]);
    if (fault === 'cut off') {
      proxy.refuse(true);
      proxy.cut();
    } else proxy.blackHole();
    await append(database.pool, { org: 'acme', type: 'before', data: null });
    await revoke(database.pool, { org: 'acme', user: 'kim' });
    await append(database.pool, { org: 'acme', type: 'after', data: null });
    await until(() => lastOf(leader) === 3);
    const refused = await connectClient(leader.url, { token });
    await until(() => refused.refusals[0]?.data?.code === 'ORG_FORBIDDEN');
    // It does not know yet. Its own history is all that it can show.
    const early = await connectClient(lagging.url, { token });
    if (fault === 'cut off') await early.live();
    const sawNothing = types(kim).length;

    proxy.refuse(false);
    await until(() => types(stays).includes('after'), { timeoutMs: 45_000 });
    await until(() => !kim.socket.connected && !early.socket.connected);
    expect(sawNothing).toBe(0);
    expect([types(stays), types(kim)]).toEqual([['before', 'after'], ['before']]);
    expect(types(early)).not.toContain('after');
    expect(kim.closes).toMatchObject([{ code: 'ORG_FORBIDDEN' }]);
  },
);

it('P4: a revocation that is committed while an earlier commit is in its last instant waits for it, and what follows waits, too', async () => {
  const database = await createDatabase();
  const gate = await createGate(database);
  const [one, other] = [
    await startServer(database, { adapter: 'postgres' }),
    await startServer(database, { adapter: 'postgres', relay: false }),
  ];
  const token = await signToken({ sub: 'kim' });
  const lee = await connectClient(other.url, { token: await signToken({ sub: 'lee' }) });
  const kims = await Promise.all([one, other].map(({ url }) => connectClient(url, { token })));
  await Promise.all([lee, ...kims].map((client) => client.live()));
  await gate.close();
  const { done } = await gate.commitHeld('held');
  await revoke(database.pool, { org: 'acme', user: 'kim' });
  await append(database.pool, { org: 'acme', type: 'after', data: null });
  // Nobody may know of it before what was committed first: the token is good until there.
  const late = await connectClient(other.url, { token });
  await late.live();
  const response = await fetch(`${one.url}/v1/events`, { headers: { authorization: `Bearer ${token}` } });
  expect([response.status, ((await response.json()) as EventsAnswer).events]).toEqual([200, []]);
  expect([...kims, late].flatMap(types)).toEqual([]);
  await gate.open();
  await done;
  await until(() => types(lee).includes('after'));
  await until(() => [...kims, late].every(({ socket }) => !socket.connected));
  expect([...kims, late].map(types)).toEqual([['held'], ['held'], ['held']]);
});

it.each<[what: string, statement: string]>([
  ['a revocation', `select commitcast.revoke('acme', 'kim')`],
  ['a change of rights', `update commitcast.membership set units = '{}' where user_id = 'kim'`],
])('P4: an instance that retention has overtaken acts on %s that it never read', async (_, statement) => {
  const database = await createDatabase();
  await database.pool.query(
    `insert into commitcast.membership (user_id, org_id) values ('kim', 'acme'), ('lee', 'acme')`,
  );
  const border = 131_073;
  await database.pool.query(`select setval('commitcast.position', ${border - 20}, false)`);
  await makePartitions(database.pool);
  await saveRelayState(database.pool, { leader: 'test', published: border - 21 });
  const server = await startGatedServer(database, {
    getUserPrimaryOrganization: (user) => readPrimaryMembership(database.pool, user),
  });
  const connect = async (sub: string) =>
    connectClient(server.url, {
      token: await signToken({ sub, org_id: undefined }),
      subscriptions: [{ unit: 'u1' }],
    });
  const [kim, lee] = [await connect('kim'), await connect('lee')];
  await Promise.all([kim.live(), lee.live()]);

  server.dispatches.hold();
  void server.gateway.dispatcher.look();
  await until(() => server.dispatches.waiting === 1);
  await database.pool.query(statement);
  await append(
    database.pool,
    Array.from({ length: 30 }, () => ({ org: 'acme', type: 'secret', data: null, unit: 'u1' })),
  );
  const { last } = await readHead(database.pool);
  await saveRelayState(database.pool, { leader: 'test', published: last });
  expect(await dropPartitionsBelow(await database.connect(), border)).toEqual(['log_1']);
  server.dispatches.release();
  await server.reach();
  // They may have to come back first, if they may.
  await until(async () => {
    await append(database.pool, { org: 'acme', type: 'end', data: null });
    await server.reach();
    return [kim, lee].every((client) => types(client).includes('end') || !client.socket.active);
  });
  expect(types(lee)).toContain('end');
  expect(types(kim)).not.toContain('secret');
});
