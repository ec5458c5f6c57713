import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { append } from '../../src/log/append.ts';
import { launchBrowser } from '../support/browser.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { codeBlock } from '../support/readme.ts';
import { startServer } from '../support/server.ts';
import { secret, signToken } from '../support/tokens.ts';
import { describeWithTool } from '../support/tools.ts';
import { until } from '../support/until.ts';

const root = new URL('../../', import.meta.url).pathname;

it('the example of the server runs as printed, against the built package', async () => {
  const database = await createDatabase();
  await database.pool.query(
    `create table truck (id text primary key, door text); insert into truck values ('truck-7', 'shut')`,
  );
  const port = await freePort();
  const folder = await mkdtemp(join(root, 'dist/.readme-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'server.mjs'), codeBlock('js server'));
  const child = spawn(process.execPath, [join(folder, 'server.mjs')], {
    env: { ...process.env, DATABASE_URL: database.url, JWT_SECRET: secret, PORT: String(port) },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  onTestFinished(async () => {
    const ended = child.exitCode === null ? once(child, 'exit') : undefined;
    child.kill('SIGKILL');
    await ended;
  });
  const url = `http://127.0.0.1:${port}`;
  await until(async () => (await fetch(`${url}/health/ready`)).ok);

  const client = await connectClient(url, { subscriptions: [{ unit: 'truck-7' }] });
  await client.live();
  expect((await fetch(`${url}/trucks/truck-7/open`, { method: 'POST' })).ok).toBe(true);
  await until(() => client.events.length === 1);
  expect(client.events).toMatchObject([{ type: 'door.opened', unit: 'truck-7', data: { by: 'kim' } }]);
  expect((await database.pool.query('select door from truck')).rows).toEqual([{ door: 'open' }]);
});

it('the SQL example does the same as append', async () => {
  const database = await createDatabase();
  await database.pool.query(codeBlock('sql'));
  const { rows } = await database.pool.query('select org_id, unit_id, type, data from commitcast.log');
  expect(rows).toEqual([{ org_id: 'acme', unit_id: 'truck-7', type: 'door.opened', data: { by: 'kim' } }]);
});

describeWithTool('chromium', 'the page that survives everything', () => {
  it('shows every event once, as printed, over a reload and a restart of the server', async () => {
    const database = await createDatabase();
    const page = codeBlock('html page');
    const start = async (port?: number) =>
      startServer(database, {
        ...(port === undefined ? {} : { port }),
        setUp: (app) => void app.get('/page', (_request, reply) => reply.type('text/html').send(page)),
      });
    const first = await start();
    const browser = await launchBrowser();
    onTestFinished(() => browser.close());
    const tab = await browser.newPage();
    await tab.addInitScript(`localStorage.token = ${JSON.stringify(await signToken())}`);
    await tab.goto(`${first.url}/page`);
    const cursor = () => tab.evaluate('sessionStorage.cursor');
    const shown = () => tab.locator('li').allTextContents();
    await until(cursor);

    await append(database.pool, { org: 'acme', type: 'live', data: null });
    await until(async () => (await shown()).length === 1);
    await first.close();
    await append(database.pool, { org: 'acme', unit: 'u1', type: 'while-down', data: null });
    await start(Number(new URL(first.url).port));
    await until(async () => (await shown()).length === 2);
    expect(await shown()).toEqual(['1 live', '2 while-down']);

    await tab.goto('about:blank');
    await append(database.pool, { org: 'acme', type: 'while-away', data: null });
    await tab.goto(`${first.url}/page`);
    await until(async () => (await shown()).length === 1);
    expect(await shown()).toEqual(['3 while-away']);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
