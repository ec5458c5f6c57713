import { expect, it } from 'vitest';
import { parseCursor } from '../../src/core/cursor.ts';
import { append } from '../../src/log/append.ts';
import { connectClient, type TestClient } from '../support/client.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';

const types = ({ events }: TestClient) => events.map(({ type }) => type);

/** Another history, as after a restore; `end` is the last position that the one before keeps. */
async function openEpoch({ pool }: TestDatabase): Promise<string> {
  const { rows } = await pool.query<{ epoch: string }>('select commitcast.open_epoch(true) as epoch');
  return rows[0]?.epoch ?? '';
}

async function currentEpoch({ pool }: TestDatabase): Promise<string> {
  const { rows } = await pool.query<{ epoch: string }>(
    'select epoch from commitcast.epoch order by ordinal desc limit 1',
  );
  return rows[0]?.epoch ?? '';
}

const appendTypes = (database: TestDatabase, ...names: string[]) =>
  append(
    database.pool,
    names.map((type) => ({ org: 'acme', type, data: null })),
  );

const unparsable: Record<string, unknown> = {
  empty: '',
  'without a position': 'abcdefgh-',
  'with a negative position': 'abcdefgh--1',
  'with a fraction': 'abcdefgh-1.5',
  'with a leading zero': 'abcdefgh-01',
  'beyond the safe integers': 'abcdefgh-9999999999999999',
  'in capitals': 'ABCDEFGH-1',
  'with a line break': 'abcdefgh-1\n',
  'with SQL in it': "abcdefgh-1' or '1'='1",
  'of 10,000 characters': `abcdefgh-${'1'.repeat(10_000)}`,
  'a number': 17,
  'a list': ['abcdefgh-1'],
  'an object': { epoch: 'abcdefgh', position: 1 },
  true: true,
};

it('a cursor that this server cannot have given refuses the connection with CURSOR_INVALID', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  let connections = 0;
  server.app.commitcast.io.on('connection', () => connections++);
  for (const [name, cursor] of Object.entries(unparsable)) {
    const client = await connectClient(server.url, { cursor: cursor as string });
    const [refusal] = await until(() => client.refusals.length > 0 && client.refusals, { message: name });
    expect(refusal?.data, name).toEqual({ code: 'CURSOR_INVALID' });
  }
  expect(connections).toBe(0);
});

it('a cursor of an epoch that was never here: `reset unknown`, then live from now', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  await appendTypes(database, 'old');
  await until(() => server.app.commitcast.cursor().endsWith('-1'));
  const client = await connectClient(server.url, { cursor: 'aaaaaaaa-0' });
  const live = await client.live();
  expect(client.resets).toEqual([{ reason: 'unknown', cursor: live.cursor }]);
  await appendTypes(database, 'new');
  await until(() => client.events.length > 0);
  expect(types(client)).toEqual(['new']);
});

it('a cursor beyond the head has seen what this history has not: `reset epoch`', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  await appendTypes(database, 'old');
  await until(() => server.app.commitcast.cursor().endsWith('-1'));
  const client = await connectClient(server.url, {
    cursor: `${await currentEpoch(database)}-9007199254740991`,
  });
  const live = await client.live();
  expect(client.resets).toEqual([{ reason: 'epoch', cursor: live.cursor }]);
  await appendTypes(database, 'new');
  await until(() => client.events.length > 0);
  expect(types(client)).toEqual(['new']);
});

it('a cursor of an older epoch within its end goes on without a reset, its own history being whole', async () => {
  const database = await createDatabase();
  const before = await startServer(database);
  const client = await connectClient(before.url);
  await client.live();
  await appendTypes(database, 'seen', 'missed');
  await until(() => client.events.length === 2);
  const { epoch, position } = parseCursor(client.cursor);
  await before.close();

  const next = await openEpoch(database);
  const server = await startServer(database);
  await appendTypes(database, 'new');
  const late = await connectClient(server.url, { cursor: `${epoch}-${position - 1}` });
  await late.live();
  await until(() => late.events.length === 2);
  expect(types(late)).toEqual(['missed', 'new']);
  expect(late.resets).toEqual([]);
  expect(parseCursor(late.cursor).epoch).toBe(next);
});

it('a cursor of an older epoch beyond its end: `reset epoch`, and everything after that end follows', async () => {
  const database = await createDatabase();
  await appendTypes(database, 'kept');
  const older = await currentEpoch(database);
  const next = await openEpoch(database);
  const server = await startServer(database);
  await appendTypes(database, 'new-1', 'new-2');
  // What this client has seen beyond position 1 was lost with the old history.
  const client = await connectClient(server.url, { cursor: `${older}-7` });
  await until(() => client.events.length === 2);
  expect(client.resets).toEqual([{ reason: 'epoch', cursor: `${next}-1` }]);
  expect(types(client)).toEqual(['new-1', 'new-2']);
});

it('after two more epochs a cursor goes back to the least of the ends that came after it', async () => {
  const database = await createDatabase();
  const first = await currentEpoch(database);
  await appendTypes(database, 'a', 'b', 'c');
  const second = await openEpoch(database);
  const third = await openEpoch(database);
  // As if the third had been opened on a copy that ended at 1.
  await database.pool.query('update commitcast.epoch set previous_end = 1 where epoch = $1', [third]);
  const server = await startServer(database);
  for (const epoch of [first, second]) {
    const client = await connectClient(server.url, { cursor: `${epoch}-2` });
    await client.live();
    expect(client.resets).toEqual([{ reason: 'epoch', cursor: `${third}-1` }]);
    expect(types(client)).toEqual(['b', 'c']);
  }
});

it('P3: an epoch that opens while a session is live, and in which nothing that it saw has vanished, goes unnoticed but for the cursor', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const live = await connectClient(server.url);
  await live.live();
  await appendTypes(database, 'old');
  await until(() => live.events.length === 1);

  const next = await openEpoch(database);
  // The leader asks for the identity at every connect.
  await database.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name = 'commitcast-leader'`,
  );
  await until(() => server.app.commitcast.cursor() === `${next}-1`);
  await appendTypes(database, 'new');
  await until(() => live.events.length === 2);
  expect(types(live)).toEqual(['old', 'new']);
  expect(parseCursor(live.cursor)).toEqual({ epoch: next, position: 2 });
  expect(live.resets).toEqual([]);
});
