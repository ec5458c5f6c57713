import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Client } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { connectClient } from '../support/client.ts';
import { makeFolder, runCli, servedIn, startCli } from '../support/cli.ts';
import { until } from '../support/until.ts';

const anyPort = { PORT: '0' };

it('with nothing named it brings its own Postgres and prints three lines that work when pasted', async () => {
  const folder = await makeFolder();
  const server = startCli(['serve'], { cwd: folder, env: anyPort });
  const { url } = await servedIn(folder, server.child.pid);
  await until(() => server.stdout().includes('the page'));
  const token = /a token +(\S+)/.exec(server.stdout())?.[1] ?? '';
  const databaseUrl = /psql '([^']+)'/.exec(server.stdout())?.[1] ?? '';
  const insert = (/-c \$'(.+)'\n/.exec(server.stdout())?.[1] ?? '').replaceAll("\\'", "'");
  expect(/the page +(\S+)/.exec(server.stdout())?.[1]).toBe(url);

  const client = await connectClient(url, { token });
  await client.live();
  const db = new Client(databaseUrl);
  await db.connect();
  await db.query(insert);
  await db.end();
  await until(() => client.events.length === 1);
  expect(client.events).toMatchObject([{ org: 'acme', type: 'hello', data: { from: 'psql' } }]);

  const second = await runCli(['serve'], { cwd: folder, env: anyPort });
  expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining('ALREADY_RUNNING') as string });
  expect(second.stderr).toContain(url);

  server.child.kill('SIGTERM');
  expect(await server.ended).toBe(0);
  expect(client.closes).toMatchObject([{ code: 'SHUTTING_DOWN', retry: true }]);
  expect(server.stderr()).toBe('');
});

it('a kill -9 loses nothing: the next start adopts the database, and clients go on by themselves', async () => {
  const folder = await makeFolder();
  const first = startCli(['serve'], { cwd: folder, env: anyPort });
  const { url } = await servedIn(folder, first.child.pid);
  const { stdout: token } = await runCli(['token', '--org', 'acme'], { cwd: folder });
  const client = await connectClient(url, { token: token.trim() });
  await client.live();
  const appendOne = (type: string) => runCli(['append', '--org', 'acme', '--type', type], { cwd: folder });
  await appendOne('before');
  await until(() => client.events.length === 1);

  first.child.kill('SIGKILL');
  await first.ended;
  const again = startCli(['serve'], { cwd: folder, env: { PORT: new URL(url).port } });
  await servedIn(folder, again.child.pid);
  await appendOne('after');
  await until(() => client.events.length === 2);
  expect(client.events.map(({ type }) => type)).toEqual(['before', 'after']);
  again.child.kill('SIGTERM');
  expect(await again.ended).toBe(0);
});

it('a port that is taken is said so, and exits 1', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void taken.close());
  await once(taken, 'listening');
  const port = String((taken.address() as AddressInfo).port);
  const { code, stderr } = await runCli(['serve'], { cwd: await makeFolder(), env: { PORT: port } });
  expect(stderr).toContain(`PORT_IN_USE: Port ${port}`);
  expect(code).toBe(1);
});

it.each<[string, string[], Record<string, string>, string]>([
  ['an unknown command', ['nonsense'], {}, 'USAGE'],
  ['an unknown option', ['serve', '--nonsense'], {}, 'USAGE'],
  ['unknown configuration', ['serve'], { COMMITCAST_NONSENSE: '1' }, 'CONFIG_INVALID'],
  ['a database without a key', ['serve'], { DATABASE_URL: 'postgres://localhost/x' }, 'JWT_KEY_REQUIRED'],
  ['production without a database', ['serve'], { NODE_ENV: 'production' }, 'DATABASE_REQUIRED'],
  ['the demo in production', ['serve', '--demo'], { NODE_ENV: 'production' }, 'DEMO_REFUSED'],
  ['a command without a server beside it', ['append', '--org', 'a', '--type', 'b'], {}, 'DATABASE_REQUIRED'],
  [
    'a database that is not there',
    ['migrate'],
    { DATABASE_URL: 'postgres://u:hunter2@127.0.0.1:1/x' },
    'UNAVAILABLE',
  ],
])('%s is refused with its code', async (_case, args, env, code) => {
  const result = await runCli(args, { cwd: await makeFolder(), env });
  expect(result.stderr).toMatch(new RegExp(`^${code}: `, 'm'));
  expect(result.stderr).not.toContain('hunter2');
  expect(result.code).toBe(1);
});
