import { expect, it } from 'vitest';
import type { Client } from 'pg';
import { connectClient, type TestClient } from '../support/client.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { startLoad } from './retention-load.ts';

const partitionsOf = async (database: TestDatabase) => {
  const { rows } = await database.pool.query<{ name: string }>(
    'select name from commitcast.partition order by from_position',
  );
  return rows.map(({ name }) => name);
};
const has = async (database: TestDatabase, partition: string) =>
  (await partitionsOf(database)).includes(partition);

/** Everything that the log kept for this client was delivered, or it was told that it was not. */
function expectNoHole(client: TestClient, all: readonly number[], after: number): void {
  const [reset] = client.resets;
  const wanted = all.filter((position) => position > after);
  if (!reset) {
    expect(client.positions).toEqual(wanted.slice(0, client.positions.length));
    return;
  }
  expect(client.resets).toHaveLength(1);
  expect(reset.reason).toBe('expired');
  const resumed = Number(reset.cursor.split('-')[1]);
  const before = client.positions.filter((position) => position <= resumed);
  const later = client.positions.filter((position) => position > resumed);
  expect(before).toEqual(wanted.slice(0, before.length));
  expect(later).toEqual(wanted.filter((position) => position > resumed).slice(0, later.length));
}

it('P5: while readers hold a drop up, no commit waits for it, and live and returning clients miss nothing', async () => {
  const database = await createDatabase();
  // A tail of a few hundred events: who comes back from before is served from the log.
  const server = await startServer(database, { retention: '1s', tailBytes: 65_536 });
  const live = await connectClient(server.url);
  await live.live();
  const load = await startLoad(database);
  await load.further(50);

  // A transaction that has read the log, and a cursor that has outlived its own.
  const reader = await database.connect();
  await reader.query('begin isolation level repeatable read');
  const { rows: before } = await reader.query('select count(*) from commitcast.log');
  const holder = await database.connect();
  await holder.query('begin isolation level repeatable read');
  await holder.query(
    'declare kept cursor with hold for select position from commitcast.log order by position',
  );
  const { rows: held } = await holder.query('select position from commitcast.log order by position');
  await holder.query('commit');

  const returning: { client: TestClient; after: number }[] = [];
  const comeBack = async (cursor: string | undefined) => {
    if (cursor === undefined) throw new Error('the live client has no cursor yet');
    const client = await connectClient(server.url, { cursor });
    returning.push({ client, after: Number(cursor.split('-')[1]) });
    await client.live();
  };
  const old = live.cursor;
  await load.nextPartition();
  await comeBack(old);
  await until(() => load.seen.waiting > 3 && load.seen.pending > 3, { message: 'a drop that waits' });
  await load.nextPartition();
  await load.further(500);
  expect(await has(database, 'log_1')).toBe(true);
  expect((await reader.query('select count(*) from commitcast.log')).rows).toEqual(before);
  expect((await holder.query('fetch all from kept')).rows).toEqual(held);
  await comeBack(old);

  await reader.query('commit');
  await until(async () => !(await has(database, 'log_1')), { message: 'the drop' });
  await comeBack(old);
  await comeBack(live.cursor);
  await load.nextPartition();
  await load.further(300);
  await load.stop();

  expect(load.blocked).toEqual([]);
  expect(load.slowestMs).toBeLessThan(3_000);
  await until(() => live.events.length === load.commits, { message: 'all events at the live client' });
  expect(live.resets).toEqual([]);
  expect(live.drops).toBe(0);
  for (const { client, after } of returning) {
    await until(() => client.positions.at(-1) === live.positions.at(-1), { message: 'the last event' });
    expectNoHole(client, live.positions, after);
  }
  expect(returning.map(({ client }) => client.resets.length)).toContain(1);
  expect(returning.at(-1)?.client.resets).toEqual([]);
});

it('crashes between the detach and the drop, and in mid-detach, are repaired', async () => {
  const database = await createDatabase();
  // Ends whoever is about to drop a partition: twice. A sequence does not roll back.
  await database.pool.query(`
    create sequence public.crashes;
    create function public.crash() returns event_trigger language plpgsql as $$
    begin
      if nextval('public.crashes') <= 2 then perform pg_terminate_backend(pg_backend_pid()); end if;
    end $$;
    create event trigger crash on ddl_command_start when tag in ('DROP TABLE') execute function public.crash()`);
  await startServer(database, { retention: '1s' });
  const load = await startLoad(database, 2);
  await load.nextPartition();
  await until(async () => !(await has(database, 'log_1')), { message: 'the detach' });
  await until(async () => (await leftOver(database)).length === 0, { message: 'the repair' });
  const { rows: crashes } = await database.pool.query('select last_value::int as times from public.crashes');
  expect(crashes).toEqual([{ times: 3 }]);

  const [oldest = ''] = await partitionsOf(database);
  const reader = await openReader(database);
  await load.nextPartition();
  await until(() => load.seen.pending > 3, { message: 'a drop that waits' });
  const { rowCount } = await database.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name = 'commitcast-retention'`,
  );
  expect(rowCount).not.toBeNull();
  await reader.query('commit');
  await until(async () => !(await has(database, oldest)), { message: 'the end of the detach' });
  await until(async () => (await leftOver(database)).length === 0, { message: 'the drop' });
});

it.each(['analyze', 'reindex table'])(
  '%s of a partition holds up its drop, and nothing else',
  async (command) => {
    const database = await createDatabase();
    const server = await startServer(database, { retention: '1s' });
    const client = await connectClient(server.url);
    await client.live();
    const load = await startLoad(database, 2);
    await load.further(20);
    const reader = await openReader(database);
    await load.nextPartition();
    const operator = await database.connect();
    await operator.query('begin');
    // Keeps the partition until the reader, which REINDEX would wait for, is gone.
    await operator.query('lock table commitcast.log_1 in share mode');
    await reader.query('commit');
    await operator.query(`${command} commitcast.log_1`);
    load.seen.waiting = 0;
    await until(() => load.seen.waiting > 2, { message: 'a drop that waits' });
    await load.further(100);
    expect(await has(database, 'log_1')).toBe(true);
    await operator.query('commit');
    await until(async () => !(await has(database, 'log_1')), { message: 'the drop' });
    await load.stop();
    expect(load.blocked).toEqual([]);
    await until(() => client.events.length === load.commits, { message: 'all events' });
  },
);

async function openReader(database: TestDatabase): Promise<Client> {
  const reader = await database.connect();
  await reader.query('begin isolation level repeatable read');
  await reader.query('select count(*) from commitcast.log');
  return reader;
}

/** Tables of partitions that are detached. */
async function leftOver(database: TestDatabase): Promise<unknown[]> {
  const { rows } = await database.pool.query(
    `select relname from pg_class where relnamespace = 'commitcast'::regnamespace and relkind = 'r'
     and relname ~ '^log_' and not relispartition`,
  );
  return rows;
}
