import { randomBytes } from 'node:crypto';
import { io } from 'socket.io-client';
import { expect, it, onTestFinished } from 'vitest';
import { makeFolder, runCli, startCli } from '../support/cli.ts';
import { createDatabase } from '../support/database.ts';
import { signToken } from '../support/tokens.ts';
import { once, until } from '../support/until.ts';
import { formsOf, get, partsOf, sendBytes } from './secrets.ts';

const database = await createDatabase();
const key = randomBytes(24).toString('base64url');
const tokenOf = (sub: string, claims = {}, ttlSeconds = 3_600) =>
  signToken({ sub, ...claims }, { key, ttlSeconds });

function expectNone(output: string, secrets: readonly string[]): void {
  expect(output.length).toBeGreaterThan(0);
  const shown = secrets.filter((secret) => formsOf(secret).some((form) => output.includes(form)));
  // Not the secret itself: this, too, is a log.
  const where = shown
    .map((secret) => output.indexOf(secret))
    .map((at) => output.slice(Math.max(0, at - 300), at));
  expect(where).toEqual([]);
}

/** Every way to bring a token, and every way to mistype it. */
const ways: ((token: string) => [path: string, headers?: Record<string, string>])[] = [
  (token) => [`/v1/events/stream?access_token=${token}`],
  (token) => [`/v1/events/stream?access_token=${token}&deep=maybe`],
  (token) => [`/v1/events/streams?access_token=${token}`],
  (token) => [`/v1/events/stream&access_token=${token}`],
  (token) => [`/v1/events/stream%3Faccess_token=${token}`],
  (token) => [`/v1/events/stream;access_token=${token}`],
  (token) => [`/v1/events/stream%?access_token=${token}`],
  (token) => [`/v1/events/stream/${token}`],
  (token) => [`/v1/events?access_token=${token}`],
  (token) => [`/assets/${token}.js`],
  (token) => [`/assets/${token}`],
  (token) => [`/?token=${token}`],
  (token) => [`/v1/cursor`, { authorization: `Bearer ${token}x` }],
  (token) => [`/nowhere`, { authorization: `Bearer ${token}` }],
  (token) => [`/v1/status?access_token=${token}`, { 'x-forwarded-for': '203.0.113.1' }],
  (token) => [`/v1/events?cursor=${token}`, { authorization: `Bearer ${token}` }],
  (token) => [`/v1/events?site=${token}`, { authorization: `Bearer ${token}` }],
  (token) => [`/socket.io/?EIO=4&transport=polling&token=${token}`],
  (token) => [`/socket.io/?EIO=4&transport=polling&sid=${token}`],
  (token) => [`/socket.iox/?EIO=4&transport=polling&token=${token}`],
  (token) => [`/socket.io?token=${token}`],
];

it('`serve` at the lowest level of its log shows no password, key or token, whatever fails', async () => {
  const databaseUrl = await database.urlAsMemberOf('commitcast_relay');
  const { username, password } = new URL(databaseUrl);
  const env = {
    DATABASE_URL: databaseUrl,
    JWT_SECRET: key,
    LOG_LEVEL: 'trace',
    PORT: '0',
    HOST: '127.0.0.1',
    COMMITCAST_MIGRATE: 'off',
    COMMITCAST_ADAPTER: 'memory',
    COMMITCAST_USER_CONNECTS_PER_MINUTE: '20',
  };
  const server = startCli(['serve'], { cwd: await makeFolder(), env });
  const url = await until(() => /listening at (http:\/\/127\.0\.0\.1:\d+)/.exec(server.stdout())?.[1], {
    message: 'serve to say where it is',
  });
  const tokens: string[] = [];
  const fresh = async (claims = {}, ttlSeconds = 3_600) => {
    const token = await tokenOf(`user-${tokens.length}`, claims, ttlSeconds);
    tokens.push(token);
    return token;
  };
  for (const way of ways) await get(url, ...way(await fresh()));
  await sendBytes(
    url,
    `GET /v1/cursor HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${await fresh()}\r\nx\r\n\r\n`,
  );
  await sendBytes(url, `GET /?t=${await fresh()}${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await sendBytes(url, `token ${await fresh()}\r\n\r\n`);

  const refusals = async (auth: object, transports: string[]) => {
    const socket = io(url, {
      auth,
      query: { token: await fresh() },
      transports,
      forceNew: true,
      reconnection: false,
    });
    onTestFinished(() => void socket.disconnect());
    const end = await Promise.race([once(socket, 'connect_error'), once(socket, 'connect')]);
    socket.emit('authenticate', { token: await fresh() }, () => undefined);
    socket.disconnect();
    return end;
  };
  for (const transports of [['websocket'], ['polling']]) {
    await refusals({ token: await fresh() }, transports);
    await refusals({ token: `${await fresh()}x` }, transports);
    await refusals({ token: await fresh({}, -60) }, transports);
    await refusals({ token: await fresh(), org: 'rival' }, transports);
    await refusals({ token: { wrapped: await fresh() } }, transports);
    await refusals({ token: await fresh(), cursor: await fresh() }, transports);
    await refusals({ token: await fresh(), subscriptions: [{ unit: await fresh() }] }, transports);
  }
  const often = await fresh();
  for (let n = 0; n < 25; n++) await get(url, '/v1/events/stream?access_token=' + often);

  // The database lets nobody in any more, and ends who is there: everything that asks it fails.
  await database.pool.query(`alter role ${username} nologin`);
  await database.pool.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [
    username,
  ]);
  await until(async () => (await get(url, '/health/ready')) === 503);
  const withoutOrg = await fresh({ org_id: undefined });
  expect(await get(url, '/v1/events', { authorization: `Bearer ${withoutOrg}` })).toBe(503);
  expect(await get(url, `/v1/events/stream?access_token=${withoutOrg}`)).toBe(503);
  await get(url, '/v1/status');
  await until(() => server.stdout().includes('could not report'));
  await database.pool.query(`alter role ${username} login`);
  await until(async () => (await get(url, '/health/ready')) === 200);

  server.child.kill('SIGTERM');
  expect(await server.ended).toBe(0);
  const output = server.stdout() + server.stderr();
  // It does say what was asked for, and what was refused.
  for (const told of ['/nowhere', 'TOKEN_EXPIRED', 'clients are refused by a limit'])
    expect(output).toContain(told);
  expectNone(output, [decodeURIComponent(password), key, ...tokens.flatMap(partsOf)]);
}, 120_000);

const wrong = 'hunter2-wrong-password';

it.each([
  ['serve'],
  ['relay'],
  ['migrate'],
  ['status'],
  ['epoch'],
  ['consumers', 'list'],
  ['tail', '--org', 'acme'],
  ['append', '--org', 'acme', '--type', 'x'],
])('`%s` that is not let into its database does not say with what it tried', async (...args) => {
  const { port } = new URL(database.url);
  const databaseUrl = `postgres://nobody:${wrong}@127.0.0.1:${port}/none`;
  const env = { DATABASE_URL: databaseUrl, JWT_SECRET: key, LOG_LEVEL: 'trace', PORT: '0' };
  const ended = await runCli(args, { cwd: await makeFolder(), env });
  expect(ended.code).not.toBe(0);
  expectNone(ended.stdout + ended.stderr, [wrong, key]);
});

it('settings that are refused are not quoted', async () => {
  const env = {
    DATABASE_URL: `postgres://nobody:${wrong}@@:x/none`,
    REDIS_URL: `http://:${wrong}@redis`,
    JWT_SECRET: wrong,
    JWT_PUBLIC_KEY: `${wrong}-key`,
    JWT_JWKS_URL: `ftp://kim:${wrong}@keys`,
    COMMITCAST_USER_SESSIONS: wrong,
  };
  const ended = await runCli(['serve'], { cwd: await makeFolder(), env });
  expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('CONFIG_INVALID') as string });
  for (const variable of Object.keys(env)) expect(ended.stderr).toContain(variable);
  expectNone(ended.stdout + ended.stderr, [wrong]);
});

it('a JWKS address with a password is refused at the start, and not quoted', async () => {
  const env = {
    DATABASE_URL: database.url,
    JWT_JWKS_URL: `http://kim:${wrong}@127.0.0.1:1/jwks`,
    LOG_LEVEL: 'trace',
    PORT: '0',
  };
  const ended = await runCli(['serve'], { cwd: await makeFolder(), env });
  expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('JWKS') as string });
  expectNone(ended.stdout + ended.stderr, [wrong]);
});

it('a Redis that is away is told without its password', async () => {
  const env = {
    DATABASE_URL: database.url,
    REDIS_URL: `redis://kim:${wrong}@127.0.0.1:1`,
    JWT_SECRET: key,
    LOG_LEVEL: 'trace',
    PORT: '0',
  };
  const server = startCli(['serve'], { cwd: await makeFolder(), env });
  await until(() =>
    /redis[^\n]*(?:unreachable|refused)|ECONNREFUSED/i.test(server.stdout() + server.stderr()),
  );
  server.child.kill('SIGTERM');
  await server.ended;
  expectNone(server.stdout() + server.stderr(), [wrong, key]);
});

it('`tail` through a server that is away, or that refuses, does not show its token', async () => {
  const token = await tokenOf('kim');
  const away = startCli(['tail', '--url', 'http://127.0.0.1:1', '--token', token], {
    cwd: await makeFolder(),
  });
  await until(() => away.stderr().includes('no connection'));
  away.child.kill('SIGTERM');
  await away.ended;
  expectNone(away.stdout() + away.stderr(), partsOf(token));
});
