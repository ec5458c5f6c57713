import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { clusterOf, processesOf } from '../../src/embedded/cluster.ts';
import { startEmbeddedPostgres, type EmbeddedPostgresOptions } from '../../src/embedded/embedded-postgres.ts';
import { query } from './query.ts';
import { temporaryDirectory } from './temporary-directory.ts';

async function start(directory: string, options: Partial<EmbeddedPostgresOptions> = {}) {
  const postgres = await startEmbeddedPostgres({ directory, ...options });
  onTestFinished(() => postgres.stop());
  return postgres;
}

test('a new folder gets a server that answers at its URL, on the loopback interface only', async () => {
  const directory = await temporaryDirectory();
  const postgres = await start(directory, { database: 'odd "name"', settings: { work_mem: '7MB' } });
  expect(postgres.adopted).toBe(false);
  expect(postgres.url).toMatch(/^postgres:\/\/commitcast:[\w-]{32}@127\.0\.0\.1:\d+\/odd%20%22name%22$/);
  const rows = await query(
    postgres.url,
    `select current_setting('listen_addresses') as addresses, current_setting('work_mem') as memory,
       current_setting('fsync') as fsync, upper('ä') as upper, current_database() as database`,
  );
  expect(rows).toEqual([
    { addresses: '127.0.0.1', memory: '7MB', fsync: 'on', upper: 'Ä', database: 'odd "name"' },
  ]);
});

test('the password is asked for and is readable by its owner only', async () => {
  const directory = await temporaryDirectory();
  const postgres = await start(directory);
  const url = new URL(postgres.url);
  url.password = 'guessed';
  await expect(query(url.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
  expect((await stat(join(directory, 'postgres', 'commitcast.json'))).mode & 0o777).toBe(0o600);
});

test('stop leaves no process, whatever the clients do, and may be called twice', async () => {
  const directory = await temporaryDirectory();
  const postgres = await start(directory);
  const client = new Client({ connectionString: postgres.url });
  client.on('error', () => {});
  await client.connect();
  onTestFinished(() => client.end());
  const asleep = expect(client.query('select pg_sleep(1000)')).rejects.toThrow();
  const cluster = await clusterOf(join(directory, 'postgres'));
  expect((await processesOf(cluster)).length).toBeGreaterThan(3);
  await Promise.all([postgres.stop(), postgres.stop()]);
  expect(await processesOf(cluster)).toEqual([]);
  await asleep;
});

test('the next start in the folder has the data, the password and the port of the last', async () => {
  const directory = await temporaryDirectory();
  const first = await start(directory);
  await query(first.url, 'create table kept as select 42 as answer');
  await first.stop();
  const second = await start(directory);
  expect(second).toMatchObject({ url: first.url, adopted: false });
  expect(await query(second.url, 'table kept')).toEqual([{ answer: 42 }]);
});

test('what was committed before a crash of the server is there after the next start', async () => {
  const directory = await temporaryDirectory();
  const first = await start(directory);
  const cluster = await clusterOf(join(directory, 'postgres'));
  await query(first.url, 'create table kept as select generate_series(1, 1000) as n');
  await first.kill();
  expect(await processesOf(cluster)).toEqual([]);
  const second = await start(directory);
  expect(second.adopted).toBe(false);
  expect(await query(second.url, 'select sum(n)::int from kept')).toEqual([{ sum: 500_500 }]);
});

test('a taken port is refused by code when it was asked for, and else left for another', async () => {
  const directory = await temporaryDirectory();
  const first = await start(directory);
  const port = Number(new URL(first.url).port);
  await first.stop();
  const stranger = createServer();
  await new Promise<void>((resolve) => stranger.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => stranger.close(() => resolve())));
  await expect(start(directory, { port })).rejects.toMatchObject({ code: 'PORT_IN_USE' });
  const second = await start(directory);
  expect(new URL(second.url).port).not.toBe(String(port));
  expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('a server that does not start says why, with the end of its log', async () => {
  const directory = await temporaryDirectory();
  await expect(start(directory, { settings: { work_mem: 'plenty' } })).rejects.toMatchObject({
    code: 'EMBEDDED_UNAVAILABLE',
    message: expect.stringContaining('invalid value for parameter "work_mem": "plenty"') as string,
  });
  const postgres = await start(directory);
  expect(await query(postgres.url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('what a half-finished initdb left is removed', async () => {
  const directory = await temporaryDirectory();
  const leftover = join(directory, 'postgres.init-a1b2c3');
  await mkdir(join(leftover, 'data', 'base'), { recursive: true });
  await writeFile(join(leftover, 'data', 'PG_VERSION'), '18\n');
  await start(directory);
  await expect(stat(leftover)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('data of another major version is refused with what to do, and is left as it was', async () => {
  const directory = await temporaryDirectory();
  await (await start(directory)).stop();
  const version = join(directory, 'postgres', 'PG_VERSION');
  await writeFile(version, '17\n');
  await expect(start(directory)).rejects.toMatchObject({
    code: 'EMBEDDED_UNAVAILABLE',
    message: expect.stringMatching(/was made by Postgres 17.*Move it away.*DATABASE_URL/) as string,
  });
  expect(await readFile(version, 'utf8')).toBe('17\n');
});

test('a folder of someone else in the place of the data is refused, not overwritten', async () => {
  const directory = await temporaryDirectory();
  await mkdir(join(directory, 'postgres'));
  await writeFile(join(directory, 'postgres', 'notes.txt'), 'mine');
  await expect(start(directory)).rejects.toMatchObject({ code: 'EMBEDDED_UNAVAILABLE' });
  expect(await readFile(join(directory, 'postgres', 'notes.txt'), 'utf8')).toBe('mine');
});

test('a folder that was moved between two runs works on', async () => {
  const parent = await temporaryDirectory();
  const first = await start(join(parent, 'before'));
  await query(first.url, 'create table kept as select 42 as answer');
  await first.stop();
  await rename(join(parent, 'before'), join(parent, '.commitcast'));
  const second = await start(join(parent, '.commitcast'));
  expect(await query(second.url, 'table kept')).toEqual([{ answer: 42 }]);
});
