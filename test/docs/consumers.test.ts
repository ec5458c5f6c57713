import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Pool } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { consumersCommand } from '../../src/cli/consumers.ts';
import { askParked, requestRebuild } from '../../src/consumer/operate.ts';
import { listConsumers } from '../../src/consumer/list-consumers.ts';
import { listParked } from '../../src/consumer/list-parked.ts';
import { append } from '../../src/log/append.ts';
import { erase } from '../../src/log/erase.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { runCli } from '../support/cli.ts';
import { startServer } from '../support/server.ts';
import { secret } from '../support/tokens.ts';
import { until } from '../support/until.ts';

const root = new URL('../../', import.meta.url).pathname;
const text = readFileSync(join(root, 'docs/consumers.md'), 'utf8');

/** The whole files that the page prints, by name. */
const files = new Map(
  [...text.matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms)].map(([, name = '', content = '']) => [name, content]),
);

/** A file as printed, against the built package, in a process of its own. */
async function runExample(file: string, databaseUrl: string, env: Record<string, string> = {}) {
  const folder = await mkdtemp(join(root, 'dist/.consumers-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, file), files.get(file) ?? '');
  const child = spawn(process.execPath, [join(folder, file)], {
    env: { ...process.env, DATABASE_URL: databaseUrl, JWT_SECRET: secret, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (printed += chunk));
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, ended, lines: () => printed.split('\n').filter((line) => line !== '') };
}

const compare = (a = '', b = '') => a.localeCompare(b);

const order = (amount: number, org = 'acme', stream = 'order-1') => ({
  org,
  stream,
  type: 'order.placed',
  data: { amount },
});

async function totals({ pool }: TestDatabase) {
  const { rows } = await pool.query('select org, orders, amount::int from order_total order by org');
  return rows as unknown[];
}

it('the read model with drizzle is kept, rebuilt and follows an erasure, as printed', async () => {
  const database = await createDatabase();
  await database.pool.query(/`(create table [^`]*)`/.exec(text)?.[1] ?? '');
  await runExample('server.mjs', database.url, { PORT: String(await freePort()) });
  await append(database.pool, [
    order(10),
    order(5),
    order(7, 'rival'),
    { org: 'acme', type: 'other', data: null },
  ]);
  const expected = [
    { org: 'acme', orders: 2, amount: 15 },
    { org: 'rival', orders: 1, amount: 7 },
  ];
  await until(async () => expect(await totals(database)).toEqual(expected) ?? true);

  await database.pool.query("update order_total set amount = 0 where org = 'acme'");
  await requestRebuild(database.pool, 'order-totals');
  await until(async () => expect(await totals(database)).toEqual(expected) ?? true);

  await erase(database.pool, { org: 'acme' });
  await until(async () => expect(await totals(database)).toEqual(expected.slice(1)) ?? true);
});

it('the worker does each effect, parks what fails, and stops at SIGTERM, as printed, with the rights named', async () => {
  const database = await createDatabase();
  // Somebody must relay.
  await startServer(database, { adapter: 'postgres' });
  const url = await database.urlAsMemberOf('commitcast_relay', 'commitcast_writer');
  const { child, ended, lines } = await runExample('worker.mjs', url);
  const [good] = await append(database.pool, [
    order(10),
    order(-1, 'acme', 'order-2'),
    order(3, 'acme', 'order-2'),
  ]);
  await append(database.pool, order(4, 'rival'));
  // Those that were in one transaction with what failed come twice, with the same key.
  const sent = () => [...new Set(lines())];
  await until(() => sent().length === 2);
  expect(sent()).toEqual([
    `receipt receipt:${good} to acme for 10`,
    expect.stringMatching(/ to rival for 4$/),
  ]);
  await until(async () => (await listParked(database.pool, 'receipts')).length === 2);
  expect(await listParked(database.pool)).toMatchObject([
    { lane: 'acme/order-2', error: 'Error: no receipt for -1', attempts: 5 },
    { lane: 'acme/order-2', error: null },
  ]);
  const shown = await runCli(['consumers', 'list'], { cwd: '/', env: { DATABASE_URL: url } });
  expect(shown).toMatchObject({ code: 0, stdout: expect.stringMatching(/^receipts +4 /m) as string });

  await askParked(database.pool, 'receipts', 'drop', { position: 2 });
  await until(() => sent()[2]?.endsWith(' to acme for 3'));
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(await listConsumers(database.pool)).toMatchObject([{ alive: false, position: 4, parked: 0 }]);
});

it('a handler needs no more rights than those named', async () => {
  const database = await createDatabase();
  const connectionString = await database.urlAsMemberOf('commitcast_consumer');
  const role = new URL(connectionString).username;
  await database.pool.query(`create table public.seen (data int); grant insert on public.seen to ${role}`);
  const pool = new Pool({ connectionString, max: 2 });
  onTestFinished(() => pool.end());
  const { app } = await startServer(database);
  const consumer = app.commitcast.consume({ name: 'seen', db: pool, partitions: 2 }, async (tx, events) => {
    for (const { data } of events) await tx.query('insert into public.seen values ($1)', [data]);
  });
  onTestFinished(() => consumer.stop());
  await append(database.pool, [
    { org: 'acme', type: 'note', data: 1 },
    { org: 'rival', type: 'note', data: 2 },
  ]);
  await until(async () => (await database.pool.query('select from public.seen')).rowCount === 2);
});

it('the commands are those of the command line, and the options those of consume', () => {
  const documented = [...text.matchAll(/^commitcast consumers (\w+)/gm)].map(([, verb]) => verb);
  const verbs = consumersCommand.usage.map((line) => line.split(' ', 1)[0]);
  expect(documented).toEqual(verbs.filter((verb) => verb !== '--wait'));
  const source = readFileSync(join(root, 'src/consumer/options.ts'), 'utf8');
  const options = /interface ConsumeOptions<Tx> \{(.*?)^\}/ms.exec(source)?.[1] ?? '';
  const names = [...options.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name);
  const table = [...text.matchAll(/^\| `(\w+)` +\|/gm)].map(([, name]) => name);
  expect(table.filter((name) => !name?.startsWith('commitcast_')).toSorted(compare)).toEqual(
    names.toSorted(compare),
  );
});

it('the metrics are some that an instance shows', async () => {
  const database = await createDatabase();
  const { url } = await startServer(database);
  const shown = await (await fetch(`${url}/metrics`)).text();
  const names = [...shown.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name);
  const documented = new Set([...text.matchAll(/`(commitcast_\w+)`/g)].map(([, name]) => name));
  const roles = ['commitcast_consumer', 'commitcast_writer', 'commitcast_relay'];
  const metrics = [...documented].filter((name) => !roles.includes(name ?? ''));
  expect(metrics.length).toBeGreaterThan(5);
  expect(names).toEqual(expect.arrayContaining(metrics));
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
