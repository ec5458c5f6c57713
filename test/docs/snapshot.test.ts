import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { holdCommits } from '../../src/testing/hold-commits.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { launchBrowser } from '../support/browser.ts';
import { secret, signToken } from '../support/tokens.ts';
import { describeWithTool } from '../support/tools.ts';
import { until } from '../support/until.ts';

const root = new URL('../../', import.meta.url).pathname;
const text = readFileSync(join(root, 'docs/snapshot.md'), 'utf8');

/** The whole files that the page prints, by name. */
const files = [...text.matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms)].map(
  ([, name = '', content = '']) => [name, content] as const,
);

interface List {
  trucks: { id: string; door: string }[];
  cursor: string;
}

/** The server as printed, against the built package, in a process of its own. */
async function startExample() {
  const database = await createDatabase();
  await database.pool.query(
    `create table truck (id text primary key, door text); insert into truck values ('truck-7', 'shut'), ('truck-8', 'shut')`,
  );
  const folder = await mkdtemp(join(root, 'dist/.snapshot-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [file, content] of files) await writeFile(join(folder, file), content);
  const port = await freePort();
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
  const change = async (truck: string, door: string) => {
    expect((await fetch(`${url}/trucks/${truck}/${door}`, { method: 'POST' })).ok).toBe(true);
  };
  return { database, url, change };
}

it('the example gives a list and the cursor that it stands for, as printed', async () => {
  const { url, change } = await startExample();
  await change('truck-7', 'open');
  const { trucks, cursor } = (await (await fetch(`${url}/trucks`)).json()) as List;
  await change('truck-8', 'open');
  expect(trucks).toEqual([
    { id: 'truck-7', door: 'open' },
    { id: 'truck-8', door: 'shut' },
  ]);
  const client = await connectClient(url, { cursor, subscriptions: [{ deep: true }] });
  await client.live();
  expect(client.events).toMatchObject([{ unit: 'truck-8', data: { door: 'open' } }]);
});

describeWithTool('chromium', 'the page', () => {
  it('shows the list, a change of before, one that was in flight, and one of after, as printed', async () => {
    const { database, url, change } = await startExample();
    const hold = await holdCommits(database.url, { type: 'held' });
    onTestFinished(() => hold.close());
    const browser = await launchBrowser();
    onTestFinished(() => browser.close());
    const tab = await browser.newPage();
    await tab.addInitScript(`localStorage.token = ${JSON.stringify(await signToken())}`);
    const shown = () => tab.locator('li').allTextContents();

    await change('truck-7', 'open');
    // Its position is below that of what comes next, and nobody can see it yet.
    const held = database.pool.query(
      `with truck as (update truck set door = 'locked' where id = 'truck-8' returning id)
       insert into commitcast.outbox (org_id, unit_id, type, data) select 'acme', id, 'held', '{"door": "locked"}' from truck`,
    );
    await hold.reached(1);
    await change('truck-7', 'ajar');
    await tab.goto(`${url}/page`);
    await until(() => hasLooked(database));
    await hold.release();
    await held;
    await until(async () => (await shown()).length === 2);
    expect(await shown()).toEqual(['truck-7 ajar', 'truck-8 locked']);

    await change('truck-8', 'open');
    await until(async () => (await shown())[1] === 'truck-8 open');
  });
});

/** Whether the application's pool has asked, as its last statement, whose commit has not ended. */
async function hasLooked({ pool }: TestDatabase): Promise<boolean> {
  const { rows } = await pool.query(
    `select from pg_stat_activity
     where datname = current_database() and application_name = '' and query like '%pg_catalog.pg_locks%'`,
  );
  return rows.length > 0;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
