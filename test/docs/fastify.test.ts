import Fastify from 'fastify';
import { expect, it, onTestFinished } from 'vitest';
import { locks, waitForLock } from '../../src/db/advisory-lock.ts';
import { append } from '../../src/log/append.ts';
import { commitcast } from '../../src/http/plugin.ts';
import { launchBrowser } from '../support/browser.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { secret, signToken } from '../support/tokens.ts';
import { describeWithTool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { folderWith, Guide, runCommands, startGuideServer } from './guide-page.ts';

const guide = new Guide('fastify.md');
const page = { 'server.mjs': guide.block('server.mjs'), 'index.html': guide.block('index.html') };

async function prepared(): Promise<TestDatabase> {
  const database = await createDatabase();
  await database.pool.query(guide.block('app.sql'));
  return database;
}

const json = { 'content-type': 'application/json' };

async function signIn(url: string, password = 'correct horse') {
  const body = JSON.stringify({ person: 'kim', password });
  const answer = await fetch(`${url}/sign-in`, { method: 'POST', headers: json, body });
  return { status: answer.status, cookie: answer.headers.get('set-cookie')?.split(';')[0] ?? '' };
}

it('the schema command runs as printed; the packages that are installed are those that the server imports', async () => {
  const database = await createDatabase();
  await database.pool.query('drop schema commitcast cascade');
  const folder = await folderWith({});
  const ours = guide.commands('npx commitcast');
  expect(ours).toHaveLength(1);
  const { code, output } = await runCommands(folder, ours, { DATABASE_URL: database.url });
  expect(code, output).toBe(0);
  await database.pool.query(guide.block('app.sql'));

  const [install = ''] = guide.commands('npm install');
  const installed = install.split(' ').slice(2);
  const imported = [...page['server.mjs'].matchAll(/from '([^'.]+)'/g)]
    .map(([, name = '']) => name.split('/')[0])
    .filter((name) => name !== undefined && !name.startsWith('node:'));
  // `pg` is what drizzle imports.
  expect(new Set(installed)).toEqual(new Set([...imported, 'pg']));
});

it('P1: what the server commits arrives, and only for who has signed in; it ends in order when it is told to', async () => {
  const database = await prepared();
  const server = await startGuideServer(await folderWith(page), database);
  const { url } = server;
  expect((await signIn(url, 'wrong horse')).status).toBe(401);
  const { status, cookie } = await signIn(url);
  expect([status, (await fetch(`${url}/token`)).status, (await fetch(`${url}/trucks`)).status]).toEqual([
    204, 401, 401,
  ]);
  const token = await (await fetch(`${url}/token`, { headers: { cookie } })).text();
  const client = await connectClient(url, { token, subscriptions: [{ deep: true }] });
  await client.live();

  const put = async (unit: string, change: object, as = cookie) => {
    const headers = { ...json, cookie: as };
    const answer = await fetch(`${url}/trucks/${unit}`, {
      method: 'PUT',
      headers,
      body: JSON.stringify(change),
    });
    return answer.status;
  };
  const id = crypto.randomUUID();
  expect(await put('truck-7', { door: 'open' }, '')).toBe(401);
  expect(await put('truck-9', { door: 'open' })).toBe(404);
  expect(await put('truck-7', { door: 'open', id })).toBe(204);
  await until(() => client.events.length > 0);
  expect(client.events).toMatchObject([
    { id, type: 'door.changed', unit: 'truck-7', data: { door: 'open' } },
  ]);
  const list = await (await fetch(`${url}/trucks`, { headers: { cookie } })).json();
  expect(list).toEqual({
    trucks: [
      { id: 'truck-7', door: 'open' },
      { id: 'truck-8', door: 'shut' },
    ],
    cursor: client.cursor,
  });
  const health = await Promise.all(['live', 'ready'].map((what) => fetch(`${url}/health/${what}`)));
  expect(health.map((answer) => answer.status)).toEqual([200, 200]);

  server.signal('SIGTERM');
  expect(await server.ended, server.output()).toBe(0);
  expect(client.closes).toMatchObject([{ code: 'SHUTTING_DOWN', retry: true }]);
});

it('with the rules of the page, claims say the org, and each subscription is asked about', async () => {
  const database = await prepared();
  const registration = /^app\.register\(commitcast.*$/m;
  const program = page['server.mjs'].replace(registration, () => guide.block('options'));
  const server = await startGuideServer(await folderWith({ ...page, 'server.mjs': program }), database);
  const claims = { org_id: undefined, iss: 'https://id.example.com', aud: 'trucks' };
  const connect = async (more: object) =>
    connectClient(server.url, {
      token: await signToken({ ...claims, ...more }),
      subscriptions: [{ deep: true }, { unit: 'truck-of-kim' }, { unit: 'truck-8' }],
    });
  const driver = await connect({ sub: 'kim', tenant: 'acme' });
  expect((await driver.live()).subscriptions).toEqual([{}, { unit: 'truck-of-kim' }]);
  const dispatcher = await connect({ sub: 'lee', tenant: 'acme', roles: ['dispatcher'] });
  expect((await dispatcher.live()).subscriptions).toHaveLength(4);
  // By its membership.
  const member = await connect({ sub: 'kim' });
  expect((await member.live()).subscriptions).toHaveLength(2);
  await append(database.pool, { org: 'acme', type: 'told to all', data: null });
  await until(() => [driver, dispatcher, member].every(({ events }) => events.length === 1));

  const refused = await Promise.all([
    connect({ sub: 'lee' }),
    connect({ sub: 'kim', tenant: 'acme', aud: 'others' }),
  ]);
  await until(() => refused.every(({ refusals }) => refusals.length > 0));
  expect(refused.map(({ refusals }) => refusals[0]?.data?.code)).toEqual(['ORG_REQUIRED', 'TOKEN_INVALID']);
});

it('says FST_ERR_HOOK_TIMEOUT where another instance migrates for longer than `pluginTimeout`', async () => {
  const database = await createDatabase();
  const migrating = await database.connect();
  await waitForLock(migrating, locks.migrate);
  const app = Fastify({ pluginTimeout: 1_000 });
  app.register(commitcast, { databaseUrl: database.url, jwt: { secret } });
  await expect(app.ready()).rejects.toMatchObject({ code: 'FST_ERR_HOOK_TIMEOUT' });
  // It ends with the wait.
  await migrating.end();
  await app.close();
});

describeWithTool('chromium', 'the page', () => {
  it('asks who it is, lists, and follows what is committed; another origin needs `corsOrigin`', async () => {
    const database = await prepared();
    const server = await startGuideServer(await folderWith(page), database);
    const browser = await launchBrowser();
    onTestFinished(() => browser.close());
    const tab = await browser.newPage();
    await tab.goto(server.url);
    await tab.locator('input[name=person]').fill('kim');
    await tab.locator('input[name=password]').fill('correct horse');
    await tab.locator('button').click();
    const shows = (...wanted: string[]) =>
      until(async () => (await tab.locator('li').allTextContents()).join() === wanted.join(), {
        message: wanted.join(),
      });
    await shows('truck-7 shut', 'truck-8 shut');
    await tab.locator('#form').waitFor({ state: 'hidden' });
    await tab.locator('#truck-7').click();
    await shows('truck-7 open', 'truck-8 shut');
    await append(database.pool, {
      org: 'acme',
      unit: 'truck-8',
      type: 'door.changed',
      data: { door: 'ajar' },
    });
    await shows('truck-7 open', 'truck-8 ajar');

    // Another port is another origin.
    const other = await startGuideServer(await folderWith(page), database);
    const said = await tab.evaluate<string>(`import('/socket.io/socket.io.esm.min.js').then(({ io }) => {
      const socket = io('${other.url}', { reconnection: false });
      return new Promise((resolve) => socket.on('connect_error', ({ message }) => resolve(message)));
    })`);
    expect(said).toBe('xhr poll error');
  });
});
