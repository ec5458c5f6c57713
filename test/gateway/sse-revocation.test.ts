import Fastify from 'fastify';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { answerErrors } from '../../src/http/errors.ts';
import { eventStreamRoutes } from '../../src/http/event-stream.ts';
import type { Instance } from '../../src/http/instance.ts';
import type { IdentityOptions } from '../../src/gateway/setup-socket-auth.ts';
import { append } from '../../src/log/append.ts';
import { revoke } from '../../src/log/revoke.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openStream, type StreamClient } from '../support/event-source.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { startGatedServer } from './gated-server.ts';
import { hold } from './held.ts';

const pageSize = 500;
const scopes = [{}, { unit: 'u1' }, { site: 's1' }, { site: 's1', unit: 'u1' }, { unit: 'u2' }];

const kim = await signToken({ sub: 'kim' });
const lee = await signToken({ sub: 'lee' });
const types = ({ events }: StreamClient) => events.map(({ type }) => type);

/** Streams of a gateway whose queries a test can hold. */
async function startGatedStreams(database: TestDatabase, identity: IdentityOptions = {}) {
  const gated = await startGatedServer(database, identity);
  const { gateway, rights, replays } = gated;
  const app = Fastify();
  answerErrors(app);
  eventStreamRoutes(app, { rights, gateway } as unknown as Instance);
  await app.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(async () => {
    const closed = app.close();
    app.server.closeAllConnections();
    await closed;
  });
  return {
    gateway,
    replays,
    reach: () => gated.reach(),
    url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`,
  };
}

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
  const server = await startGatedStreams(database);
  await server.reach();
  return { database, server, first: `${server.gateway.dispatcher.epoch}-0` };
}

it('P4: on a live stream a revocation takes effect at its place: earlier events arrive, nothing after it', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const leaver = openStream(server.url, { query: { deep: 'true', access_token: kim } });
  const stayer = openStream(server.url, { token: lee, query: { deep: 'true' } });
  await Promise.all([leaver.live(), stayer.live()]);
  const client = await database.connect();
  await client.query('begin');
  await append(client, { org: 'acme', type: 'before', data: null });
  await revoke(client, { org: 'acme', user: 'kim' });
  await append(client, { org: 'acme', type: 'after, in the same transaction', data: null });
  await client.query('commit');
  await append(database.pool, { org: 'acme', type: 'later', data: null });
  await until(() => stayer.events.length === 3);
  // Told to go, an EventSource comes once more by itself, and is refused so that it stops.
  await until(() => leaver.refusals.length > 0);
  expect(types(leaver)).toEqual(['before']);
  expect(leaver.messages.slice(-2)).toMatchObject([
    { name: 'revoked', data: {} },
    { name: 'close', data: { code: 'ORG_FORBIDDEN', retry: false } },
  ]);
  expect(leaver.refusals).toEqual([{ status: 403, code: 'ORG_FORBIDDEN' }]);
  expect(stayer.closes).toEqual([]);
});

it('P4: a live stream loses one unit, is told so, and goes on with the rest', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const query = 'subscription={"unit":"u1"}&subscription={"unit":"u2"}';
  const leaver = openStream(server.url, { token: kim, query });
  const stayer = openStream(server.url, { token: lee, query });
  await Promise.all([leaver.live(), stayer.live()]);
  const note = () =>
    append(
      database.pool,
      ['u1', 'u2'].map((unit) => ({ org: 'acme', type: 'note', data: null, unit })),
    );
  await note();
  await revoke(database.pool, { org: 'acme', user: 'kim', unit: 'u1' });
  await note();
  await until(() => stayer.events.length === 4 && leaver.events.length >= 3);
  expect(leaver.events.map(({ unit }) => unit)).toEqual(['u1', 'u2', 'u2']);
  expect(leaver.messages.filter(({ name }) => name === 'revoked')).toMatchObject([
    { data: { subscription: { unit: 'u1' } } },
  ]);
  expect([leaver.drops, leaver.closes]).toEqual([0, []]);
});

it.each([0, 1, 2, 3])(
  'P4: of a stream that is catching up when its user loses the org, what was read before and not sent is not sent: after %i pages',
  async (pages) => {
    const { database, server, first } = await startWithLog();
    server.replays.hold(pages);
    const query = { deep: 'true', cursor: first };
    const stream = openStream(server.url, { token: kim, query, reconnect: false });
    await until(() => server.replays.waiting === 1);
    await revoke(database.pool, { org: 'acme', user: 'kim' });
    await append(database.pool, { org: 'acme', type: 'later', data: null });
    await server.reach();
    server.replays.release();
    await until(() => stream.drops > 0);
    expect(stream.closes).toMatchObject([{ code: 'ORG_FORBIDDEN', retry: false }]);
    expect(stream.positions).toEqual(Array.from({ length: pages * pageSize }, (_, n) => n + 1));
    expect(stream.lives).toEqual([]);
  },
);

it('P4: a stream that is catching up when its user loses a unit gets nothing of it beyond the page under way, and all of the rest', async () => {
  const { database, server, first } = await startWithLog();
  server.replays.hold(1);
  const query = `subscription={"unit":"u1"}&subscription={"unit":"u2"}&cursor=${first}`;
  const stream = openStream(server.url, { token: kim, query });
  await until(() => server.replays.waiting === 1);
  await revoke(database.pool, { org: 'acme', user: 'kim', unit: 'u1' });
  await append(
    database.pool,
    scopes.map((scope) => ({ org: 'acme', type: 'later', data: null, ...scope })),
  );
  await server.reach();
  server.replays.release();
  await stream.live();
  const told = stream.messages.findIndex(({ name }) => name === 'revoked');
  const cursors = stream.messages.slice(0, told).map(({ id }) => Number(id?.split('-')[1]));
  const { rows } = await database.pool.query<{ position: string }>(
    `select position from commitcast.log where not control and (unit_id = 'u2' or (unit_id is null and site_id is null)
     or (unit_id = 'u1' and position <= $1)) order by position`,
    [Math.max(0, ...cursors)],
  );
  expect(stream.positions).toEqual(rows.map(({ position }) => Number(position)));
  expect(stream.events.filter(({ type }) => type === 'later')).toMatchObject([{}, { unit: 'u2' }]);
  expect(stream.lives[0]?.subscriptions).toEqual([{}, { unit: 'u2' }]);
});

it('P4: a stream that waits for `authorize` when the right is lost begins without it', async () => {
  const database = await createDatabase();
  const answer = hold(true);
  let asked = 0;
  const server = await startGatedStreams(database, {
    authorize: () => {
      asked++;
      return answer.promise;
    },
  });
  const ofUnit = openStream(server.url, { token: kim, query: { unit: 'u1' } });
  const ofLeaver = openStream(server.url, { token: lee, query: { unit: 'u1' } });
  await until(() => asked === 2);
  await revoke(database.pool, { org: 'acme', user: 'kim', unit: 'u1' });
  await revoke(database.pool, { org: 'acme', user: 'lee' });
  await server.reach();
  answer.release();
  await ofUnit.live();
  await until(() => ofLeaver.refusals[0]?.code === 'ORG_FORBIDDEN');
  await append(database.pool, { org: 'acme', type: 'of u1', data: null, unit: 'u1' });
  await append(database.pool, { org: 'acme', type: 'last', data: null });
  await server.reach();
  await until(() => ofUnit.events.length > 0);
  expect(types(ofUnit)).toEqual(['last']);
  expect(ofUnit.lives[0]?.subscriptions).toEqual([{}]);
  expect(ofLeaver.messages).toEqual([]);
});

it('P4: a stream that waits for `authorize` when its user’s membership changes is sent back to ask anew', async () => {
  const database = await createDatabase();
  const answer = hold(true);
  let asked = 0;
  const server = await startGatedStreams(database, {
    authorize: () => {
      asked++;
      return answer.promise;
    },
  });
  const membership = (role: string) =>
    database.pool.query(
      `insert into commitcast.membership (user_id, org_id, role) values ('kim', 'acme', $1)
       on conflict (user_id, org_id) do update set role = excluded.role`,
      [role],
    );
  await membership('viewer');
  await server.reach();
  const stream = openStream(server.url, { token: kim, query: { unit: 'u1' } });
  await until(() => asked === 1);
  await membership('editor');
  await server.reach();
  answer.release();
  await until(() => stream.refusals.length > 0);
  expect(stream.refusals).toEqual([{ status: 503, code: 'RIGHTS_CHANGED' }]);
});
