import { decodeJwt } from 'jose';
import { expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import type { CommitcastEvent } from '../../src/core/event.ts';
import { runCli, startCli } from '../support/cli.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { secret, signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';

type Line = CommitcastEvent & { cursor: string };

const cwd = '/';
const linesOf = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);

it('token prints the token alone, with what was asked for', async () => {
  const args =
    'token --org acme --user kim --role admin --email kim@acme.example --site s1 --site s2 --unit u1 --ttl 2h';
  const { stdout, code } = await runCli(args.split(' '), {
    cwd,
    env: { JWT_SECRET: secret, JWT_ISSUER: 'test' },
  });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  const { iat = 0, exp = 0, ...claims } = decodeJwt(stdout.trim());
  expect(exp - iat).toBe(7_200);
  expect(claims).toEqual({
    sub: 'kim',
    org_id: 'acme',
    role: 'admin',
    email: 'kim@acme.example',
    sites: ['s1', 's2'],
    units: ['u1'],
    iss: 'test',
  });
});

it.each([[['--org', 'a:b']], [['--org', 'acme', '--ttl', 'soon']], [[]]])(
  'token refuses %j',
  async (args) => {
    const { stderr, stdout, code } = await runCli(['token', ...args], { cwd, env: { JWT_SECRET: secret } });
    expect({ stdout, code }).toEqual({ stdout: '', code: 1 });
    expect(stderr).toMatch(/^USAGE: /);
  },
);

it('append writes one event, or many in one transaction, or none of them', async () => {
  const database = await createDatabase();
  const env = { DATABASE_URL: database.url };
  const one = await runCli(
    [
      'append',
      '--org',
      'acme',
      '--unit',
      'u1',
      '--type',
      'a',
      '--data',
      '{"n": 1}',
      '--meta',
      '{"by": "cli"}',
    ],
    { cwd, env },
  );
  const input = '{"org":"acme","type":"b","data":1}\n\n{"org":"acme","type":"c","data":null}\n';
  const many = await runCli(['append', '--json'], { cwd, env, input });
  const wrong = await runCli(['append', '--json'], {
    cwd,
    env,
    input: `${input}{"org":"a:b","type":"d","data":1}\n`,
  });
  const { rows } = await database.pool.query<{ id: string }>(
    'select id, type, data, meta from commitcast.log order by position',
  );
  expect(rows).toMatchObject([
    { type: 'a', data: { n: 1 }, meta: { by: 'cli' } },
    { type: 'b' },
    { type: 'c', data: null },
  ]);
  expect(one.stdout + many.stdout).toBe(rows.map(({ id }) => `${id}\n`).join(''));
  expect(wrong).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^EVENT_INVALID: /) as string,
  });
});

it('tail prints events as they come, without any server, and goes on after its cursor', async () => {
  const database = await createDatabase();
  const env = { DATABASE_URL: database.url };
  await append(database.pool, { org: 'acme', type: 'old', data: null });
  const tail = startCli(['tail', '--json', '--from-start'], { cwd, env });
  await until(() => linesOf(tail.stdout()).length === 1);
  await append(database.pool, [
    { org: 'acme', site: 's1', unit: 'u1', type: 'unit', data: { n: 1 } },
    { org: 'other', type: 'other', data: null },
  ]);
  await until(() => linesOf(tail.stdout()).length === 3);
  tail.child.kill('SIGINT');
  expect(await tail.ended).toBe(0);
  expect(linesOf(tail.stdout()).map(({ type }) => type)).toEqual(['old', 'unit', 'other']);

  const cursor = linesOf(tail.stdout())[0]?.cursor ?? '';
  const scoped = startCli(['tail', '--org', 'acme', '--site', 's1', '--deep', '--cursor', cursor], {
    cwd,
    env,
  });
  await until(() => scoped.stdout().includes('unit'));
  scoped.child.kill('SIGINT');
  expect(await scoped.ended).toBe(0);
  expect(scoped.stdout()).toMatch(/^ +2 {2}\S+ {2}unit +acme\/s1\/u1 +\{"n":1\}\n$/);
  expect(scoped.stderr()).toContain('--cursor ');

  const foreign = await runCli(['tail', '--cursor', 'aaaaaaaa-1'], { cwd, env });
  expect(foreign).toMatchObject({ code: 1, stderr: expect.stringMatching(/^CURSOR_INVALID: /) as string });
});

it('tail through a server has the rights of its token', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const token = await signToken({ org_id: 'acme', units: ['u1'] });
  const allowed = startCli(['tail', '--json', '--url', server.url, '--token', token, '--unit', 'u1'], {
    cwd,
  });
  const denied = startCli(['tail', '--json', '--url', server.url, '--token', token, '--unit', 'u2'], { cwd });
  await until(() => denied.stderr().includes('SUBSCRIPTION_DENIED'));
  await until(() => server.app.commitcast.io.of('/').adapter.rooms.has('org:acme:unit:u1'));
  await append(database.pool, { org: 'acme', unit: 'u2', type: 'hidden', data: null });
  await append(database.pool, { org: 'acme', unit: 'u1', type: 'shown', data: null });
  await until(() => linesOf(allowed.stdout()).length === 1);
  expect(linesOf(allowed.stdout())).toMatchObject([{ type: 'shown' }]);
  expect(denied.stdout()).toBe('');

  const expired = await signToken({}, { ttlSeconds: -60 });
  const refused = await runCli(['tail', '--url', server.url, '--token', expired], { cwd });
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/^TOKEN_EXPIRED: /) as string });
});
