import { expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { readHead } from '../../src/log/head.ts';
import { dropPartitionsBelow, makePartitions } from '../../src/log/partitions.ts';
import { saveRelayState } from '../../src/log/relay-state.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openStream } from '../support/event-source.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';

const token = await signToken();

const scopes = [{}, { unit: 'u1' }, { site: 's1' }, { site: 's1', unit: 'u1' }, { unit: 'u2' }];

const write = (database: TestDatabase, count: number, org = 'acme') =>
  append(
    database.pool,
    Array.from({ length: count }, (_, n) => ({ org, type: 'event', data: n, ...scopes[n % scopes.length] })),
  );

/** A query of several subscriptions. */
const of = (...subscriptions: unknown[]) =>
  subscriptions.map((each) => `subscription=${encodeURIComponent(JSON.stringify(each))}`).join('&');

/** What the log has for an org, by position. */
async function positionsOf(database: TestDatabase, where = `org_id = 'acme'`): Promise<number[]> {
  const { rows } = await database.pool.query<{ position: string }>(
    `select position from commitcast.log where not control and ${where} order by position`,
  );
  return rows.map(({ position }) => Number(position));
}

it('P2, P3: a stream and a socket get the same events, in one order, each once: history first, then live', async () => {
  const database = await createDatabase();
  await write(database, 1_200);
  const server = await startServer(database, { tailBytes: 65_536 });
  const { epoch = '' } = /^(?<epoch>\w+)-/.exec(server.app.commitcast.cursor())?.groups ?? {};
  const cursor = `${epoch}-0`;
  const socket = await connectClient(server.url, { cursor, subscriptions: [{ deep: true }] });
  const stream = openStream(server.url, { token, query: { cursor, deep: 'true' } });
  await write(database, 300);
  await Promise.all([socket.live(), stream.live()]);
  await write(database, 300);
  const expected = await positionsOf(database);
  await until(() => stream.positions.length >= expected.length && socket.positions.length >= expected.length);
  expect(stream.positions).toEqual(expected);
  expect(stream.events).toEqual(socket.events);
  expect(stream.drops).toBe(0);
  // What says where the stream stands is its id.
  for (const { name, data, id } of stream.messages) {
    const { cursor: said } = data as { cursor?: string };
    expect({ name, id }).toEqual({ name, id: said });
  }
  expect(stream.lastEventId).toBe(`${epoch}-${expected.at(-1)}`);
});

it('P3: over a network that cuts all the time, an EventSource has the exact history', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const proxy = await startTcpProxy(server.url);
  const stream = openStream(proxy.url, { token, query: { deep: 'true' } });
  await stream.live();
  for (let cuts = 1; cuts <= 12; cuts++) {
    const seen = stream.positions.length;
    await write(database, 150);
    await until(() => stream.positions.length > seen);
    proxy.cut();
    await until(() => stream.drops >= cuts);
  }
  const expected = await positionsOf(database);
  await until(() => stream.positions.length >= expected.length);
  expect(stream.positions).toEqual(expected);
  expect(stream.resets).toEqual([]);
});

it('P3: over a restart of the server an EventSource has the exact history, and is told SHUTTING_DOWN', async () => {
  const database = await createDatabase();
  const first = await startServer(database);
  const port = Number(new URL(first.url).port);
  const stream = openStream(first.url, { token, query: { unit: 'u1' } });
  await stream.live();
  await write(database, 100);
  await until(() => stream.events.length > 0);
  await first.close();
  await write(database, 100);
  await startServer(database, { port });
  await stream.live(2);
  await write(database, 100);
  const expected = await positionsOf(database, `(unit_id = 'u1' or (unit_id is null and site_id is null))`);
  await until(() => stream.positions.length >= expected.length);
  expect(stream.positions).toEqual(expected);
  expect(stream.closes).toMatchObject([{ code: 'SHUTTING_DOWN', retry: true }]);
});

it('Last-Event-ID, and lastEventId of the query, come before the cursor that the address began with', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  await write(database, 10);
  await until(() => server.app.commitcast.cursor().endsWith('-10'));
  const at = (position: number) => server.app.commitcast.cursor().replace(/\d+$/, String(position));
  const query = { deep: 'true', cursor: at(2) };
  const first = openStream(server.url, { token, query });
  const second = openStream(server.url, { token, query: { ...query, lastEventId: at(6) } });
  const headers = { 'last-event-id': at(8) };
  const third = openStream(server.url, { token, headers, query: { ...query, lastEventId: at(6) } });
  const fourth = openStream(server.url, { token, query: { deep: 'true' } });
  await Promise.all([first, second, third, fourth].map((stream) => stream.live()));
  expect([first, second, third, fourth].map(({ positions }) => positions[0])).toEqual([3, 7, 9, undefined]);
});

it('a cursor of another history: `reset` moves the id, then live; one that nobody can have is refused', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  await write(database, 5);
  await until(() => server.app.commitcast.cursor().endsWith('-5'));
  const now = server.app.commitcast.cursor();
  const unknown = openStream(server.url, { token, query: { cursor: 'aaaaaaaa-3' } });
  const beyond = openStream(server.url, { token, query: { cursor: now.replace(/\d+$/, '999') } });
  await Promise.all([unknown.live(), beyond.live()]);
  expect(unknown.messages).toMatchObject([
    { name: 'reset', id: now, data: { reason: 'unknown', cursor: now } },
    { name: 'live', id: now },
  ]);
  expect(beyond.resets).toEqual([{ reason: 'epoch', cursor: now }]);
  expect([...unknown.events, ...beyond.events]).toEqual([]);
});

it('a cursor below the floor: one `reset expired`, then live from now, and nothing of a broken history', async () => {
  const database = await createDatabase();
  // First position of the second partition.
  const second = 131_073;
  await database.pool.query(`select setval('commitcast.position', ${second - 11})`);
  await makePartitions(database.pool);
  await write(database, 20);
  const { epoch, last } = await readHead(database.pool);
  await saveRelayState(database.pool, { leader: 'test', published: last });
  expect(await dropPartitionsBelow(await database.connect(), second)).toHaveLength(1);
  const server = await startServer(database);
  const stream = openStream(server.url, { token, query: { deep: 'true', cursor: `${epoch}-${second - 5}` } });
  const { cursor } = await stream.live();
  expect(stream.messages).toMatchObject([
    { name: 'reset', id: cursor, data: { reason: 'expired', cursor } },
    { name: 'live', id: cursor },
  ]);
  await write(database, 1);
  await until(() => stream.events.length > 0);
  expect(stream.positions).toEqual([last + 1]);
});

it('P4: two orgs never meet, whatever the subscriptions say; what is denied is listed in `live`', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const narrow = await signToken({ sites: ['s1'], units: ['u2'] });
  const rival = await signToken({ org_id: 'rival', sub: 'eve' });
  const ours = openStream(server.url, { token, query: { deep: 'true' } });
  const some = openStream(server.url, {
    token: narrow,
    query: of({ unit: 'u2' }, { site: 's1' }, { unit: 'u1' }),
  });
  const theirs = openStream(server.url, {
    token: rival,
    query: of({ deep: true }, { site: 's1', deep: true }),
  });
  await Promise.all([ours.live(), some.live(), theirs.live()]);
  for (const query of [
    of({ org: 'acme' }),
    of({ site: 's1', org: 'acme', deep: true }),
    of({ unit: 'org:acme' }),
    of({ site: 's1:*' }),
    of('acme'),
    of(['acme']),
    'subscription={',
    'subscription=',
    `${of({ unit: 'u1' })}&deep=true`,
  ]) {
    const forged = openStream(server.url, { token: rival, query });
    await until(() => forged.refusals.length > 0);
    expect({ query, refusals: forged.refusals }).toEqual({
      query,
      refusals: [{ status: 400, code: 'SUBSCRIPTION_INVALID' }],
    });
  }
  const asOther = openStream(server.url, { token: rival, query: { org: 'acme', deep: 'true' } });
  await until(() => asOther.refusals[0]?.code === 'ORG_FORBIDDEN');

  for (let n = 0; n < 5; n++) {
    await write(database, 20);
    await write(database, 20, 'rival');
  }
  const last = (stream: typeof ours) => stream.positions.at(-1) ?? 0;
  const all = await positionsOf(database);
  const rivals = await positionsOf(database, `org_id = 'rival'`);
  await until(() => last(ours) === all.at(-1) && last(theirs) === rivals.at(-1));
  expect(ours.positions).toEqual(all);
  expect(theirs.positions).toEqual(rivals);
  expect(some.lives[0]).toMatchObject({
    subscriptions: [{}, { unit: 'u2' }, { site: 's1' }],
    denied: [{ subscription: { unit: 'u1' }, code: 'SUBSCRIPTION_DENIED' }],
  });
  const seen = `org_id = 'acme' and (unit_id = 'u2' or unit_id is null)`;
  expect(some.positions).toEqual(await positionsOf(database, seen));
});

it('a quiet stream is told where the log stands, and its id moves there', async () => {
  const database = await createDatabase();
  const server = await startServer(database, { checkpointIntervalMs: 1_000 });
  const stream = openStream(server.url, { token });
  await stream.live();
  await write(database, 5, 'rival');
  const { id } = await until(() => stream.messages.find(({ name }) => name === 'checkpoint'));
  expect(id).toBe(server.app.commitcast.cursor());
  expect(stream.lastEventId).toBe(id);
});
