import { expect, it, onTestFinished } from 'vitest';
import { append, createWorker, loadState, once, readLog, readStream } from '../../src/index.ts';
import { listConsumers } from '../../src/consumer/list-consumers.ts';
import { startExample } from '../examples/run-example.ts';
import { examineAt } from '../cli/examined.ts';
import { scrapeText } from '../http/metrics-scrape.ts';
import { makeFolder, runCli } from '../support/cli.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { docBlock, readPage, withBuiltCommand } from '../support/doc-blocks.ts';
import { startServer } from '../support/server.ts';
import { secret, signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';

const page = 'docs/retention.md';
const order = { org: 'acme', stream: 'order-1' };
const placed = { ...order, type: 'placed', data: 1 };
const counted = { initial: 0, evolve: (count: number) => count + 1 };

interface Partition {
  name: string;
  size: string;
  past: boolean;
}

/** What the page's statement says, as a role that may read. */
async function lookAhead(database: TestDatabase): Promise<Pick<Partition, 'name' | 'past'>[]> {
  const reader = await database.connect(await database.urlAsMemberOf('commitcast_reader'));
  const { rows } = await reader.query<Partition>(docBlock(page, 'sql past'));
  for (const { size } of rows) expect(size).toMatch(/^\d+ (?:kB|MB)$/);
  return rows.map(({ name, past }) => ({ name, past }));
}

/** Goes on to the first position of the next partition. */
async function nextPartition({ pool }: TestDatabase): Promise<void> {
  await pool.query('select commitcast.make_partitions()');
  await pool.query(
    `select setval('commitcast.position', (select min(from_position) from commitcast.partition
     where from_position > (select last_value from commitcast.position)), false)`,
  );
}

/** As if everything in the partition had been committed so long ago. */
async function age({ pool }: TestDatabase, partition: string, days: number): Promise<void> {
  await pool.query(`alter table commitcast.${partition} disable trigger append_only`);
  await pool.query(`update commitcast.${partition} set committed_at = now() - interval '${days} days'`);
  await pool.query(`alter table commitcast.${partition} enable always trigger append_only`);
}

async function published({ pool }: TestDatabase, events: number): Promise<void> {
  await until(async () => {
    const { rows } = await pool.query(
      `select published = (select max(position) from commitcast.log) and
       (select count(*) from commitcast.log) = ${events} as all from commitcast.relay`,
    );
    return (rows as { all: boolean }[])[0]?.all;
  });
}

async function partitionsOf({ pool }: TestDatabase): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    'select name from commitcast.partition order by from_position',
  );
  return rows.map(({ name }) => name);
}

async function readAll(events: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const event of events) all.push(event);
  return all;
}

async function lastPosition({ pool }: TestDatabase): Promise<string> {
  const { rows } = await pool.query<{ position: string }>(
    'select max(position) as position from commitcast.log',
  );
  return rows[0]?.position ?? '';
}

it('the command as printed drops what its statement says is past, forgets keys, and readers see what the table says', async () => {
  const database = await createDatabase();
  const { pool } = database;
  const before = await startServer(database);
  const client = await connectClient(before.url);
  const { cursor } = await client.live();
  const consumer = before.app.commitcast.consume({ name: 'late', db: pool }, async () => {});
  await until(async () => (await listConsumers(pool)).length === 1);
  await consumer.stop();
  await append(pool, placed);
  await append(pool, placed, { key: 'old' });
  await append(pool, placed, { key: 'new' });
  await once(pool, 'old');
  await loadState(pool, order, { ...counted, name: 'count', saveEvery: 1 });
  await nextPartition(database);
  await append(pool, { ...order, type: 'paid', data: 2 });
  await published(database, 4);
  await nextPartition(database);
  await append(pool, { org: 'acme', type: 'now', data: 3 });
  await published(database, 5);
  const [first = '', second = ''] = await partitionsOf(database);
  await age(database, first, 31);
  await age(database, second, 29);
  await pool.query(`update commitcast.append_key set at = now() - interval '8 days' where key = 'old'`);
  await pool.query(`update commitcast.append_key set at = now() - interval '6 days' where key = 'new'`);
  await pool.query(`update commitcast.inbox set at = now() - interval '8 days'`);
  await before.close();

  const [gone, ...kept] = await lookAhead(database);
  expect(gone).toEqual({ name: first, past: true });
  expect(kept.map(({ past }) => past)).toEqual(kept.map(() => false));

  const env = { DATABASE_URL: database.url, JWT_SECRET: secret, HOST: '127.0.0.1', PORT: '0' };
  const command = withBuiltCommand(docBlock(page, 'sh')).replace(/"/, 'exec "');
  const server = startExample('bash', ['--norc', '-c', command.replace(/^(.*?) exec /, 'export $1; exec ')], {
    cwd: await makeFolder(),
    env,
  });
  await until(async () => (await partitionsOf(database))[0] === second, {
    message: `the drop: ${server.output()}`,
  });
  const keys = await until(async () => {
    const { rows } = await pool.query<{ key: string }>(
      'select key from commitcast.append_key union all select key from commitcast.inbox',
    );
    return rows.length === 1 && rows;
  });
  expect(keys).toEqual([{ key: 'new' }]);
  expect((await lookAhead(database))[0]).toEqual({ name: second, past: false });

  server.signal('SIGTERM');
  expect(await server.ended).toBe(0);

  // An instance that was there still has it in memory; one that starts does not.
  const { url } = await startServer(database);
  const back = await connectClient(url, cursor === undefined ? {} : { cursor });
  await back.live();
  const present = `${cursor?.split('-')[0]}-${await lastPosition(database)}`;
  expect(back.resets).toEqual([{ reason: 'expired', cursor: present }]);
  expect(back.events).toEqual([]);
  const history = await fetch(`${url}/v1/events?cursor=${cursor}`, {
    headers: { authorization: `Bearer ${await signToken()}` },
  });
  expect(await history.json()).toMatchObject({ reset: 'expired' });
  await expect(readAll(readLog(pool, { after: 0 }))).rejects.toMatchObject({ code: 'HISTORY_EXPIRED' });
  await expect(readAll(readStream(pool, order))).rejects.toMatchObject({ code: 'HISTORY_EXPIRED' });
  await expect(loadState(pool, order, counted)).rejects.toMatchObject({ code: 'HISTORY_EXPIRED' });
  expect(await loadState(pool, order, { ...counted, name: 'count' })).toMatchObject({ state: 4, version: 4 });
  await append(pool, placed);
  const versions = await readAll(readStream(pool, order, { from: 4 }));
  expect(versions).toMatchObject([{ version: 4 }, { version: 5 }]);

  const late = createWorker({ databaseUrl: database.url });
  onTestFinished(() => late.stop());
  await late.start();
  late.consume({ name: 'late', db: pool }, async () => {});
  await until(async () => (await listConsumers(pool))[0]?.error?.includes('no longer kept'));
});

it('the size of an event is what the statement says, and its overhead what the page says', async () => {
  const database = await createDatabase();
  const events = 4_000;
  const data = { text: 'x'.repeat(200) };
  await append(
    database.pool,
    Array.from({ length: events }, (_, n) => ({
      org: 'acme',
      unit: `truck-${n % 20}`,
      type: 'door.opened',
      data,
    })),
  );
  const { rows } = await database.pool.query<{ bytes_per_event: string }>(docBlock(page, 'sql size'));
  const overhead = (Number(rows[0]?.bytes_per_event) - JSON.stringify(data).length) / 1024;
  const [, least = '', most = ''] = /what is in it and ([\d.]+) to ([\d.]+) KiB/.exec(readPage(page)) ?? [];
  expect(overhead).toBeGreaterThan(Number(least));
  expect(overhead).toBeLessThan(Number(most));
  const status = await runCli(['status'], { cwd: '/', env: { DATABASE_URL: database.url } });
  expect(status.stdout).toMatch(/^log +1 to 4,000, \d partitions, \d\.\d MiB$/m);
});

it('a role that may not drop is named by `doctor`, until the statement is run', async () => {
  const database = await createDatabase();
  const url = await database.urlAsMemberOf('commitcast_relay');
  const found = async () => (await examineAt(url, { retention: 2_592_000_000 })).problems;
  expect(await found()).toContain('RETENTION_NOT_OWNER');
  const { rows } = await database.pool.query<{ owner: string }>(
    `select relowner::regrole::text as owner from pg_class where oid = 'commitcast.log'::regclass`,
  );
  const grant = docBlock(page, 'sql owner')
    .replace('app_owner', rows[0]?.owner ?? '')
    .replace('app_instance', new URL(url).username);
  await database.pool.query(grant);
  expect(await found()).not.toContain('RETENTION_NOT_OWNER');
});

it('every metric that the page names is one of a running server', async () => {
  const { url } = await startServer(await createDatabase());
  const served = new Set([...(await scrapeText(url)).matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name));
  const roles = new Set(['commitcast_reader', 'commitcast_relay']);
  const named = [...readPage(page).matchAll(/`(commitcast_\w+)`/g)].map(([, name = '']) => name);
  expect(named.length).toBeGreaterThan(3);
  expect(named.filter((name) => !served.has(name) && !roles.has(name))).toEqual([]);
});
