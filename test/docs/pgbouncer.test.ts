import { execFile, spawn } from 'node:child_process';
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Pool } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../src/embedded/free-port.ts';
import {
  append,
  erase,
  execute,
  loadState,
  once,
  projectionCursor,
  readLog,
  readStream,
  revoke,
  snapshot,
} from '../../src/index.ts';
import { startExample } from '../examples/run-example.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { docBlock, makeDocFolder, withBuiltCommand } from '../support/doc-blocks.ts';
import { startPgBouncer } from '../support/pgbouncer.ts';
import { startServer } from '../support/server.ts';
import { secret } from '../support/tokens.ts';
import { describeWithTool, findTool } from '../support/tools.ts';
import { until } from '../support/until.ts';

const page = 'docs/pgbouncer.md';
const nobody = 65_534;

/** PgBouncer with the page's configuration, but for places: where the database is, and where it listens itself. */
async function startPrinted(direct: string): Promise<string> {
  const { hostname, port, pathname, username, password } = new URL(direct);
  const own = await freePort();
  const ini = docBlock(page, 'ini pgbouncer.ini')
    .replace(
      'host=127.0.0.1 port=5432 dbname=app',
      `host=${hostname} port=${port} dbname=${pathname.slice(1)}`,
    )
    .replace('listen_port = 6432', `listen_port = ${own}`);
  const folder = await mkdtemp(join(tmpdir(), 'commitcast-printed-'));
  await chmod(folder, 0o755);
  await writeFile(join(folder, 'pgbouncer.ini'), ini);
  await writeFile(join(folder, 'userlist.txt'), `"${username}" "${password}"\n`);
  const root = process.getuid?.() === 0;
  if (root)
    for (const name of ['pgbouncer.ini', 'userlist.txt']) await chown(join(folder, name), nobody, nobody);
  const child = spawn(findTool('pgbouncer') ?? '', ['pgbouncer.ini'], {
    cwd: folder,
    stdio: 'ignore',
    ...(root ? { uid: nobody, gid: nobody } : {}),
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true });
  });
  const url = new URL(direct);
  url.host = `127.0.0.1:${own}`;
  url.pathname = '/app';
  await until(async () => (await queryOnce(url.href, 'select 1 as one')).length === 1, {
    message: 'PgBouncer',
  });
  return url.href;
}

async function queryOnce(connectionString: string, text: string): Promise<unknown[]> {
  const pool = new Pool({ connectionString, max: 1 });
  try {
    return (await pool.query(text)).rows as unknown[];
  } finally {
    await pool.end();
  }
}

/** Both addresses, as the page has them: of a role that owns nothing. */
async function openAddresses(database: TestDatabase, ...roles: string[]) {
  const direct = await database.urlAsMemberOf(...roles);
  return { DATABASE_DIRECT_URL: direct, DATABASE_URL: await startPrinted(direct) };
}

/** Runs the block with `--json` behind its last line; the codes that are found. */
async function run(script: string): Promise<string[]> {
  const [exports = '', command = ''] = withBuiltCommand(script).split(/(?<=\n)(?=[^\n]+\n$)/);
  const lines = `${exports}${command.trim()} --json`;
  const { stdout } = await promisify(execFile)('bash', ['--norc', '-c', lines]).catch(
    (error: unknown) => error as { stdout: string },
  );
  return (JSON.parse(stdout) as { findings: { code: string }[] }).findings.map(({ code }) => code);
}

describeWithTool('pgbouncer', 'docs/pgbouncer.md', () => {
  it('the application runs as printed: it writes through the printed pooler, and serves past it', async () => {
    const database = await createDatabase();
    const env = {
      ...(await openAddresses(database, 'commitcast_relay', 'commitcast_writer', 'commitcast_consumer')),
      JWT_SECRET: secret,
      PORT: String(await freePort()),
    };
    const cwd = await makeDocFolder({ 'server.mjs': docBlock(page, 'js server.mjs') });
    const server = startExample(process.execPath, ['server.mjs'], { cwd, env });
    const url = `http://127.0.0.1:${env.PORT}`;
    await until(async () => (await fetch(`${url}/health/ready`)).ok, {
      message: `the server: ${server.output()}`,
    });
    const client = await connectClient(url, { subscriptions: [{ unit: 'truck-7' }] });
    await client.live();
    expect((await fetch(`${url}/trucks/truck-7/open`, { method: 'POST' })).status).toBe(200);
    await until(() => client.events.length === 1);
    expect(client.events).toMatchObject([{ unit: 'truck-7', type: 'door.opened' }]);
    await server.says(/truck-7 was opened/);
  });

  it('`doctor` finds no pooler with both addresses as exported there, and names it where only the one is set', async () => {
    const database = await createDatabase();
    await startServer(database);
    const printed = docBlock(page, 'sh');
    const { DATABASE_URL, DATABASE_DIRECT_URL } = await openAddresses(database, 'commitcast_relay');
    const placed = printed
      .replace('postgres://app:secret@127.0.0.1:6432/app', DATABASE_URL)
      .replace('postgres://app:secret@127.0.0.1:5432/app', DATABASE_DIRECT_URL);
    expect(placed).not.toContain('app:secret');
    expect(await run(placed)).not.toContain('DATABASE_POOLED');
    expect(await run(placed)).not.toContain('ADDRESSES_APART');
    expect(await run(placed.replace(/^.*DIRECT_URL.*\n/m, ''))).toContain('DATABASE_POOLED');
  });

  it('what the first column names goes through, on two server connections that are taken in turn', async () => {
    const database = await createDatabase();
    const { app } = await startServer(database);
    const connectionString = await startPgBouncer(database, { poolSize: 2, roundRobin: true });
    const pool = new Pool({ connectionString, max: 8 });
    onTestFinished(() => pool.end());
    const within = async <Result>(work: (tx: Parameters<typeof append>[0]) => Promise<Result>) => {
      const client = await pool.connect();
      try {
        await client.query('begin');
        const result = await work(client);
        await client.query('commit');
        return result;
      } finally {
        client.release();
      }
    };
    const order = { org: 'acme', stream: 'order-1' };
    const placed = { ...order, type: 'placed', data: 1 };
    await Promise.all(Array.from({ length: 20 }, () => within((tx) => append(tx, placed))));
    const counted = { initial: 0, evolve: (count: number) => count + 1 };
    expect(await within((tx) => once(tx, 'a'))).toBe(true);
    expect(await within((tx) => once(tx, 'a'))).toBe(false);
    const decider = { ...counted, decide: () => ({ type: 'paid', data: 2 }) };
    expect(await within((tx) => execute(tx, order, decider, undefined))).toMatchObject({ version: 21 });
    expect(await loadState(pool, order, counted)).toMatchObject({ state: 21 });
    const seen = { log: 0, stream: 0 };
    for await (const { position } of readLog(pool)) seen.log += Math.sign(position);
    for await (const { version } of readStream(pool, order)) seen.stream += Math.sign(version ?? 0);
    expect(seen).toEqual({ log: 21, stream: 21 });
    expect(await snapshot(pool, (_tx, cursor) => Promise.resolve(cursor))).toMatch(/-21$/);

    const handled: unknown[] = [];
    const consumer = app.commitcast.consume({ name: 'seen', db: pool }, (_tx, events) => {
      handled.push(...events);
      return Promise.resolve();
    });
    onTestFinished(() => consumer.stop());
    await until(() => handled.length === 21);
    await until(async () => (await snapshot(pool, (tx) => projectionCursor(tx, 'seen'))).endsWith('-21'));
    await within((tx) => revoke(tx, { org: 'acme', user: 'kim' }));
    await within((tx) => erase(tx, order));
    const { rows } = await database.pool.query('select count(*)::int as n from commitcast.log where control');
    expect(rows).toEqual([{ n: 2 }]);
  });
});
