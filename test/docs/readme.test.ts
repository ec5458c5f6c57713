import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { append } from '../../src/log/append.ts';
import { launchBrowser } from '../support/browser.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { docBlock, withBuiltCommand } from '../support/doc-blocks.ts';
import { codeBlock } from '../support/readme.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { describeWithTool } from '../support/tools.ts';
import { until } from '../support/until.ts';

const root = new URL('../../', import.meta.url).pathname;

async function shell(script: string, cwd: string): Promise<string> {
  const { stdout } = await promisify(execFile)('bash', ['--norc', '-c', script], { cwd });
  return stdout;
}

/** The two files of the first example, in a folder where they find the built package; a server of them on a port. */
async function startExample(database: TestDatabase) {
  const folder = await mkdtemp(join(root, 'dist/.readme-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'server.mjs'), codeBlock('js server'));
  await writeFile(join(folder, 'index.html'), codeBlock('html page'));
  const install = docBlock('README.md', 'sh', 'npm init').split('\n');
  const writing = install.filter((line) => line.startsWith('echo ')).join('\n');
  await shell(writing.replace(/postgres:\/\/[^"]+/, database.url), folder);
  const written = await readFile(join(folder, 'env.sh'), 'utf8');
  const own = Object.fromEntries(
    [...written.matchAll(/^export (\w+)=(.*)$/gm)].map(([, name, value]) => [name, value] as const),
  ) as Record<string, string>;
  expect(own).toEqual({
    DATABASE_URL: database.url,
    JWT_SECRET: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
  });
  const env = { ...process.env, ...own, PORT: String(await freePort()) };
  const url = `http://127.0.0.1:${env.PORT}`;
  const start = async () => {
    const child = spawn(process.execPath, ['server.mjs'], {
      cwd: folder,
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const ended = once(child, 'exit');
    const stop = async () => {
      child.kill('SIGKILL');
      await ended;
    };
    onTestFinished(stop);
    await until(async () => (await fetch(`${url}/health/ready`)).ok);
    return stop;
  };
  return { folder, url, start, stop: await start() };
}

describeWithTool('chromium', 'ten minutes to a live page', () => {
  it('the two files do as printed: a token is pasted, and what is committed comes once, over a reload and a restart', async () => {
    const database = await createDatabase();
    const { folder, url, start, stop } = await startExample(database);
    const token = (await shell(withBuiltCommand(codeBlock('sh token')), folder)).trim();
    const browser = await launchBrowser();
    onTestFinished(() => browser.close());
    const tab = await browser.newPage();
    const asked: string[] = [];
    tab.on('dialog', (dialog) => {
      asked.push(dialog.type());
      void dialog.accept(token);
    });
    await tab.goto(url);
    await until(() => tab.evaluate('sessionStorage.cursor'));
    expect(asked).toEqual(['prompt']);
    const shown = () => tab.locator('li').allTextContents();

    const curl = codeBlock('sh try').replace('curl', 'curl -sS').replace('http://127.0.0.1:3000', url);
    const stdout = await shell(curl, folder);
    expect(JSON.parse(stdout)).toEqual({ id: 'truck-7', door: 'open' });
    await until(async () => (await shown()).length === 1);
    expect((await database.pool.query('select * from truck')).rows).toEqual([
      { id: 'truck-7', door: 'open' },
    ]);
    await tab.reload();
    await stop();
    await database.pool.query(codeBlock('sql'));
    await start();
    await until(async () => (await shown()).length > 1);
    expect(await shown()).toEqual(['1 door.opened truck-7', '2 door.opened truck-7']);
    expect(asked).toEqual(['prompt']);
  });

  it('the page says why it was refused, and asks for another token when it is loaded again', async () => {
    const { url } = await startExample(await createDatabase());
    const browser = await launchBrowser();
    onTestFinished(() => browser.close());
    const tab = await browser.newPage();
    const dialogs: string[] = [];
    tab.on('dialog', (dialog) => {
      dialogs.push(`${dialog.type()}: ${dialog.message()}`);
      // The browser may be closed before it has answered.
      dialog.accept('nonsense').catch(() => undefined);
    });
    await tab.goto(url);
    await until(() => dialogs.length > 1);
    expect(dialogs.slice(0, 2)).toEqual(['prompt: A token', expect.stringMatching(/^alert: .*token/i)]);
    await until(() => dialogs.length > 2);
    expect(dialogs[2]).toBe('prompt: A token');
  });
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
    expect(await shown()).toEqual(['1 live ', '2 while-down u1']);

    await tab.goto('about:blank');
    await append(database.pool, { org: 'acme', type: 'while-away', data: null });
    await tab.goto(`${first.url}/page`);
    await until(async () => (await shown()).length > 2);
    expect(await shown()).toEqual(['1 live ', '2 while-down u1', '3 while-away ']);
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
