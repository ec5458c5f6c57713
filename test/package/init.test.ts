import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Client } from 'pg';
import type { Page } from 'playwright-core';
import { beforeAll, expect, inject, it, onTestFinished } from 'vitest';
import { supportName } from '../support/administer.ts';
import { launchBrowser } from '../support/browser.ts';
import { describeUnless } from '../support/describe-unless.ts';
import { describeWithTool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { createDatabaseAt } from '../upgrade/old-database.ts';
import { beginIn, environment, findRegistry, makeTemporary, pack } from './stranger.ts';

/** The folder of an application that `init` has written, and that is installed. */
let folder: string;

describeUnless(findRegistry(), 'the application that init writes', () => {
  beforeAll(async () => {
    const temporary = await makeTemporary('init');
    const { tarball } = await pack(temporary);
    const command = await beginIn(join(temporary, 'command'));
    await command.write('package.json', '{ "private": true }');
    await command.install(tarball);
    const { code, stderr } = await command.run('npx', 'commitcast', 'init', '../app');
    if (code !== 0) throw new Error(stderr);
    folder = join(temporary, 'app');
    // As `npm install` would, were this version published.
    await (await beginIn(folder)).install(tarball);
  }, 600_000);

  it('answers with what it has committed, serves the client as modules, and nothing else of node_modules', async () => {
    const { url, client } = await start();
    expect((await post(url, { text: 'first' })).status).toBe(200);
    const { notes, cursor } = (await (await fetch(`${url}/notes`)).json()) as {
      notes: object[];
      cursor: string;
    };
    expect(notes).toEqual([{ id: 1, text: 'first' }]);
    expect(cursor).toMatch(/-1$/);
    const { rows } = await client.query('select org_id, type, data from commitcast.log');
    expect(rows).toEqual([{ org_id: 'acme', type: 'note.added', data: { id: 1, text: 'first' } }]);

    expect((await post(url, { text: '' })).status).toBe(400);
    const script = await fetch(`${url}/commitcast/client/index.js`);
    expect(script.headers.get('content-type')).toMatch(/^text\/javascript/);
    for (const path of [
      'client/index.d.ts',
      'client/none.js',
      'db/connection.js',
      'client/..%2fdb%2fconnection.js',
    ])
      expect((await fetch(`${url}/commitcast/${path}`)).status, path).toBe(404);
  });

  describeWithTool('chromium', 'its page', () => {
    it('shows what is there and what comes, once, in order: by its form, by SQL, over a restart of the server', async () => {
      const first = await start();
      await post(first.url, { text: 'before' });
      const browser = await launchBrowser();
      const page = await browser.newPage();
      const complaints: string[] = [];
      page.on('pageerror', ({ message }) => complaints.push(message));
      await page.goto(first.url);
      await shows(page, ['before']);

      await post(first.url, { text: 'posted' });
      await shows(page, ['before', 'posted']);
      await page.getByLabel('Note').fill('<b>typed</b>');
      await page.getByRole('button').click();
      await shows(page, ['before', 'posted', '<b>typed</b>']);

      await first.stop();
      const readme = await readFile(join(folder, 'README.md'), 'utf8');
      const [, statement = ''] = /```sql\n(.*?)```/s.exec(readme) ?? [];
      await first.client.query(statement);
      await first.restart();
      await shows(page, ['before', 'posted', '<b>typed</b>', 'from SQL']);
      expect(complaints).toEqual([]);
    });
  });
});

async function shows(page: Page, wanted: string[]): Promise<void> {
  let seen: string[] = [];
  const same = async () => {
    seen = await page.locator('li').allTextContents();
    return JSON.stringify(seen) === JSON.stringify(wanted);
  };
  await until(same, { message: `the page to show ${wanted.join(', ')}` });
}

function post(url: string, body: object): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return fetch(`${url}/notes`, { method: 'POST', headers, body: JSON.stringify(body) });
}

/** The application as `npm start` starts it, on an empty database. */
async function start() {
  const database = await createDatabaseAt(inject('postgres').url, -1);
  onTestFinished(() => database.drop());
  const client = new Client({ connectionString: database.url, application_name: supportName });
  await client.connect();
  onTestFinished(() => client.end());
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const launch = async () => {
    const env = { ...environment, DATABASE_URL: database.url, PORT: String(port) };
    const child = spawn(process.execPath, ['server.mjs'], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stdout.on('data', (text: Buffer) => (said += text.toString()));
    child.stderr.on('data', (text: Buffer) => (said += text.toString()));
    const ended = once(child, 'close');
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await ended;
    });
    await until(() => {
      if (child.exitCode !== null) throw new Error(said);
      return said.includes(`Notes: ${url}`);
    });
    return async () => {
      child.kill('SIGTERM');
      await ended;
    };
  };
  let stop = await launch();
  return {
    url,
    client,
    stop: () => stop(),
    restart: async () => {
      stop = await launch();
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}
