import { expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';

const database = await createDatabase();

it('P1: an insert by the writer role arrives when it commits, and never when it is rolled back', async () => {
  const server = await startServer(database);
  const client = await connectClient(server.url);
  await client.live();
  const writer = await database.connect(await database.urlAsMemberOf('commitcast_writer'));
  const insert = `insert into commitcast.outbox (org_id, type, data) values ('acme', $1, '{"n": 1}') returning id`;

  await writer.query('begin');
  await writer.query(insert, ['rolled-back']);
  await writer.query('rollback');
  await writer.query('begin');
  const { rows } = await writer.query<{ id: string }>(insert, ['committed']);
  await writer.query('commit');

  await until(() => client.events.length > 0);
  expect(client.events).toMatchObject([{ id: rows[0]?.id, type: 'committed', org: 'acme', data: { n: 1 } }]);
  expect(client.events[0]?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(client.cursor).toMatch(/^[a-z2-7]{8}-\d+$/);
});

it('P3: a client that comes back with its cursor gets exactly what it missed, then goes on live', async () => {
  const server = await startServer(database);
  const client = await connectClient(server.url);
  await client.live();
  await append(database.pool, { org: 'acme', type: 'seen', data: 1 });
  await until(() => client.events.length === 1);

  client.socket.disconnect();
  await append(database.pool, [
    { org: 'acme', type: 'missed', data: 2 },
    { org: 'acme', type: 'missed', data: 3 },
    { org: 'other', type: 'foreign', data: 4 },
  ]);
  client.socket.connect();
  await client.live(2);
  await append(database.pool, { org: 'acme', type: 'live', data: 5 });

  await until(() => client.events.length === 4);
  expect(client.events.map(({ data }) => data)).toEqual([1, 2, 3, 5]);
});

it('P3: also after a restart of the server, when the tail in memory is gone', async () => {
  const first = await startServer(database);
  const client = await connectClient(first.url);
  await client.live();
  const port = Number(new URL(first.url).port);
  await first.close();
  expect(client.closes).toMatchObject([{ code: 'SHUTTING_DOWN', retry: true }]);

  await append(database.pool, { org: 'acme', type: 'missed', data: 'while down' });
  await startServer(database, { port });
  await client.live(2);
  await until(() => client.events.length === 1);
  expect(client.events).toMatchObject([{ data: 'while down' }]);
});

it('one event goes once to the union of its rooms, whatever overlaps', async () => {
  const server = await startServer(database);
  const client = await connectClient(server.url, {
    subscriptions: [{ deep: true }, { site: 's1' }, { site: 's1', deep: true }, { unit: 'u1' }],
  });
  await client.live();
  await append(database.pool, [
    { org: 'acme', site: 's1', unit: 'u1', type: 'unit', data: null },
    { org: 'acme', site: 's1', type: 'site', data: null },
    { org: 'acme', type: 'org', data: null },
  ]);
  await append(database.pool, { org: 'acme', type: 'last', data: null });
  await until(() => client.events.at(-1)?.type === 'last');
  expect(client.events.map(({ type }) => type)).toEqual(['unit', 'site', 'org', 'last']);
});

it('each subscription sees its scope and no more, live and in replay', async () => {
  const server = await startServer(database);
  const shapes = {
    org: [],
    deep: [{ deep: true }],
    site: [{ site: 's1' }],
    deepSite: [{ site: 's1', deep: true }],
    unit: [{ unit: 'u1' }],
  } as const;
  const expected: Record<keyof typeof shapes, string[]> = {
    org: ['org', 'end'],
    deep: ['org', 's1', 's2', 's1-u1', 'u1', 'u2', 'end'],
    site: ['org', 's1', 'end'],
    deepSite: ['org', 's1', 's1-u1', 'end'],
    unit: ['org', 's1-u1', 'u1', 'end'],
  };
  const live = await Promise.all(
    Object.entries(shapes).map(async ([name, subscriptions]) => {
      const client = await connectClient(server.url, { subscriptions: [...subscriptions] });
      const { cursor } = await client.live();
      return { name: name as keyof typeof shapes, client, cursor, subscriptions };
    }),
  );
  await append(database.pool, [
    { org: 'acme', type: 'org', data: null },
    { org: 'acme', site: 's1', type: 's1', data: null },
    { org: 'acme', site: 's2', type: 's2', data: null },
    { org: 'acme', site: 's1', unit: 'u1', type: 's1-u1', data: null },
    { org: 'acme', unit: 'u1', type: 'u1', data: null },
    { org: 'acme', unit: 'u2', type: 'u2', data: null },
    { org: 'rival', type: 'rival', data: null },
    { org: 'rival', site: 's1', unit: 'u1', type: 'rival-u1', data: null },
    { org: 'acme', type: 'end', data: null },
  ]);
  for (const { name, client, cursor, subscriptions } of live) {
    await until(() => client.events.at(-1)?.type === 'end');
    expect(
      client.events.map(({ type }) => type),
      `${name} live`,
    ).toEqual(expected[name]);
    const late = await connectClient(server.url, { cursor, subscriptions: [...subscriptions] });
    await late.live();
    expect(late.events, `${name} from memory`).toEqual(client.events);
  }
  await server.close();
  const restarted = await startServer(database);
  for (const { name, client, cursor, subscriptions } of live) {
    const late = await connectClient(restarted.url, { cursor, subscriptions: [...subscriptions] });
    await late.live();
    expect(late.events, `${name} from the log`).toEqual(client.events);
  }
});

it('P4: a claimed org is the only one that a session ever reaches', async () => {
  const server = await startServer(database);
  const rival = await connectClient(server.url, {
    token: await signToken({ org_id: 'rival' }),
    subscriptions: [{ deep: true }, { site: 's1', deep: true }, { unit: 'u1' }],
  });
  await rival.live();
  await append(database.pool, { org: 'acme', site: 's1', unit: 'u1', type: 'secret', data: null });
  await append(database.pool, { org: 'rival', type: 'own', data: null });
  await until(() => rival.events.length > 0);
  expect(rival.events.map(({ type }) => type)).toEqual(['own']);
});
