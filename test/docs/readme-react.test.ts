import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Page } from 'playwright-core';
import { expect, it, onTestFinished } from 'vitest';
import { append } from '../../src/log/append.ts';
import { readHead } from '../../src/log/head.ts';
import { bundle } from '../browser/react/react-page.ts';
import { beginPartition, dropOldest } from '../log/drop-oldest.ts';
import { launchBrowser } from '../support/browser.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { codeBlock } from '../support/readme.ts';
import { startServer } from '../support/server.ts';
import { secret, signToken } from '../support/tokens.ts';
import { describeWithTool } from '../support/tools.ts';
import { until } from '../support/until.ts';

const root = new URL('../../', import.meta.url).pathname;
const alias = {
  'commitcast/react': join(root, 'src/client/react/index.ts'),
  'commitcast/client': join(root, 'src/client/index.ts'),
};

/** A block of the README as an application's bundler makes a script of it, in a folder that can import the package. */
async function bundled(info: string, name: string): Promise<{ folder: string; script: string }> {
  const folder = await mkdtemp(join(root, 'dist/.readme-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, name), codeBlock(info));
  return { folder, script: await bundle(join(folder, name), { alias }) };
}

const page = '<!doctype html><div id="root"></div><script type="module" src="/page.js"></script>';

async function openPage(url: string, globals = ''): Promise<Page> {
  const browser = await launchBrowser();
  onTestFinished(() => browser.close());
  const tab = await browser.newPage();
  await tab.addInitScript(`localStorage.token = ${JSON.stringify(await signToken())}; ${globals}`);
  await tab.goto(`${url}/page`);
  return tab;
}

/** The server of the README with the route of the list, as printed; and the page, which it serves. */
async function startExample(database: TestDatabase, folder: string, port: number) {
  const routes = `
app.get('/page', (_request, reply) => reply.type('text/html').send(${JSON.stringify(page)}));
app.get('/page.js', (_request, reply) =>
  reply.type('text/javascript').send(readFileSync(new URL('page.js', import.meta.url))));
`;
  const listen = 'console.log(await app.listen(';
  const [before, after] = codeBlock('js server').split(listen);
  await writeFile(join(folder, 'server.mjs'), `${before}${codeBlock('js trucks')}${routes}${listen}${after}`);
  const child = spawn(process.execPath, [join(folder, 'server.mjs')], {
    env: { ...process.env, DATABASE_URL: database.url, JWT_SECRET: secret, PORT: String(port) },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const kill = async () => {
    const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    child.kill('SIGKILL');
    await ended;
  };
  onTestFinished(kill);
  await until(async () => (await fetch(`http://127.0.0.1:${port}/health/ready`)).ok);
  return kill;
}

describeWithTool('chromium', 'the README', () => {
  it('has a live list with React of less than 30 lines, which is exact over a reload and a restart', async () => {
    expect(codeBlock('jsx live-list').split('\n').length).toBeLessThan(30);
    const { folder, script } = await bundled('jsx live-list', 'page.jsx');
    await writeFile(join(folder, 'page.js'), script);
    const database = await createDatabase();
    await database.pool.query(
      `create table truck (id text primary key, door text);
       insert into truck select 'truck-' || n, 'shut' from generate_series(1, 4) n;
       update truck set door = 'open' where id = 'truck-1'`,
    );
    const port = await freePort();
    const kill = await startExample(database, folder, port);
    const url = `http://127.0.0.1:${port}`;
    const tab = await openPage(url);
    const open = async (truck: string) => {
      expect((await fetch(`${url}/trucks/${truck}/open`, { method: 'POST' })).ok).toBe(true);
    };
    const shows = async (...doors: string[]) => {
      const wanted = doors.map((door, n) => `truck-${n + 1} ${door}`).join();
      await until(async () => (await tab.locator('li').allTextContents()).join() === wanted, {
        message: wanted,
      });
    };
    await tab.locator('ul[title="active, live"]').waitFor();
    await shows('open', 'shut', 'shut', 'shut');
    await open('truck-2');
    await shows('open', 'open', 'shut', 'shut');

    await tab.goto('about:blank');
    await open('truck-3');
    await tab.goto(`${url}/page`);
    await shows('open', 'open', 'open', 'shut');

    await tab.locator('ul[title="active, live"]').waitFor();
    await kill();
    await tab.locator('ul[title="active, offline"]').waitFor();
    await database.pool.query(
      `update truck set door = 'open' where id = 'truck-4';
       insert into commitcast.outbox (org_id, unit_id, type, data) values ('acme', 'truck-4', 'door.opened', '{}')`,
    );
    await startExample(database, folder, port);
    await shows('open', 'open', 'open', 'open');
  });

  it('has an example of the client that handles, reports and resets as it says', async () => {
    const { script } = await bundled('js client', 'page.js');
    const database = await createDatabase();
    const write = (n: number) =>
      append(database.pool, { org: 'acme', unit: 'truck-7', type: 'door.opened', data: { n } });
    const setUp = (app: FastifyInstance) => {
      app.get('/page', (_request, reply) => reply.type('text/html').send(page));
      app.get('/page.js', (_request, reply) => reply.type('text/javascript').send(script));
      app.get('/token', () => signToken());
      app.get('/trucks', async () => {
        const { epoch, last } = await readHead(database.pool);
        return { state: `at ${last}`, cursor: `${epoch}-${last}` };
      });
    };
    const server = await startServer(database, { setUp });
    const tab = await openPage(
      server.url,
      `const say = (name) => (...values) => (globalThis.told ??= []).push([name, ...values].join(' '));
       Object.assign(globalThis, { log: say('log'), show: say('show'), tell: say('state') });
       let failed = false;
       globalThis.save = async (position, { n }) => {
         if (n === 2 && !failed) { failed = true; throw new Error('busy'); }
         say('save')(position, n);
       };`,
    );
    const told = async (pattern: RegExp) =>
      (await tab.evaluate<string[] | undefined>('told'))?.filter((each) => pattern.test(each)) ?? [];
    await until(async () => (await told(/^state live/)).length === 1);
    await write(1);
    await write(2);
    await until(async () => (await told(/^save/)).length === 2);
    expect(await told(/^save|busy/)).toEqual(['save 1 1', 'log Error: busy door.opened 1', 'save 2 2']);
    expect(await told(/^log door/)).toHaveLength(2);

    await server.close();
    await until(async () => (await told(/^state offline/)).length > 0);
    await write(3);
    await beginPartition(database);
    await write(4);
    await dropOldest(database);
    const restarted = await startServer(database, { setUp, port: Number(new URL(server.url).port) });
    const { last } = await readHead(database.pool);
    await until(async () => (await told(/^show/)).length === 1);
    expect(await told(/^show/)).toEqual([`show at ${last} expired`]);
    await until(async () => (await told(/^state live/)).length === 2);
    await tab.goto('about:blank');
    await write(5);
    await tab.goto(`${restarted.url}/page`);
    await until(async () => (await told(/^save/)).length === 1);
    expect(await told(/^save/)).toEqual([`save ${last + 1} 5`]);
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
