import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import Fastify from 'fastify';
import { expect, it, onTestFinished } from 'vitest';
import { commitcast } from '../../src/http/plugin.ts';
import { createServer } from '../../src/http/server.ts';
import { append } from '../../src/log/append.ts';
import { createDatabase } from '../support/database.ts';
import { openStream } from '../support/event-source.ts';
import { watchLeaks } from '../support/leaks.ts';
import { startServer } from '../support/server.ts';
import { secret, signToken, type Claims } from '../support/tokens.ts';
import { until } from '../support/until.ts';

const database = await createDatabase();
const token = await signToken();
const path = '/v1/events/stream';
const note = (type: string) => append(database.pool, { org: 'acme', type, data: null });

it('an answer is a stream that nobody between stores, changes or holds back, and begins with the time to retry', async () => {
  const server = await startServer(database);
  const stream = openStream(server.url, { token });
  const live = await stream.live();
  const { status, headers } = stream.responses[0] ?? {};
  expect(status).toBe(200);
  expect(Object.fromEntries(headers ?? [])).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
  });
  expect(stream.retries).toHaveLength(1);
  expect(stream.retries[0]).toBeGreaterThanOrEqual(1_000);
  expect(stream.retries[0]).toBeLessThanOrEqual(3_000);
  expect(live).toEqual({ cursor: stream.lastEventId, subscriptions: [{}], denied: [] });
});

it('what is refused before the stream begins is an ordinary error with its status', async () => {
  const server = await startServer(database);
  const withoutOrg = { org_id: undefined } as unknown as Claims;
  const refusals: [query: string, token: string | undefined, status: number, code: string][] = [
    ['', undefined, 401, 'TOKEN_REQUIRED'],
    ['access_token=', undefined, 401, 'TOKEN_REQUIRED'],
    ['access_token=rubbish', undefined, 401, 'TOKEN_INVALID'],
    [`access_token=${token}&access_token=${token}`, undefined, 401, 'TOKEN_INVALID'],
    [`access_token=${token}`, 'rubbish', 401, 'TOKEN_INVALID'],
    ['', await signToken({}, { ttlSeconds: -60 }), 401, 'TOKEN_EXPIRED'],
    ['', await signToken(withoutOrg), 403, 'ORG_REQUIRED'],
    ['org=rival', token, 403, 'ORG_FORBIDDEN'],
    ['cursor=1', token, 400, 'CURSOR_INVALID'],
    ['lastEventId=x', token, 400, 'CURSOR_INVALID'],
    ['site=s1&unit=u1', token, 400, 'SUBSCRIPTION_INVALID'],
    ['deep=yes', token, 400, 'SUBSCRIPTION_INVALID'],
    ['deep=yes', undefined, 401, 'TOKEN_REQUIRED'],
  ];
  for (const [query, bearer, status, code] of refusals) {
    const stream = openStream(server.url, { token: bearer, query });
    await until(() => stream.refusals.length > 0);
    expect({ query, refusals: stream.refusals }).toEqual({ query, refusals: [{ status, code }] });
  }
});

it('UNAVAILABLE, while memberships cannot be read, is a 503', async () => {
  const unreachable = Object.assign(new Error('gone'), { code: 'ECONNREFUSED' });
  const server = await startServer(database, {
    getUserPrimaryOrganization: () => Promise.reject(unreachable),
  });
  const stream = openStream(server.url, { token: await signToken({ org_id: undefined }) });
  await until(() => stream.refusals.length > 0);
  expect(stream.refusals).toEqual([{ status: 503, code: 'UNAVAILABLE' }]);
});

it('the token ends the stream: told before, closed at the end, and refused when an EventSource comes again', async () => {
  const server = await startServer(database);
  // The clocks' tolerance is added.
  const short = await signToken({}, { ttlSeconds: -2 });
  const stream = openStream(server.url, { query: { access_token: short } });
  await stream.live();
  await until(() => stream.refusals.length > 0);
  const names = stream.messages.map(({ name }) => name);
  expect(names).toEqual(['live', 'token-expiring', 'close']);
  expect(stream.closes).toMatchObject([{ code: 'TOKEN_EXPIRED', retry: false }]);
  expect(stream.refusals).toEqual([{ status: 401, code: 'TOKEN_EXPIRED' }]);
});

it('no log line has the token: neither of the server, nor of an application with a logger of its own', async () => {
  const lines: string[] = [];
  const stream = new PassThrough();
  stream.on('data', (chunk) => lines.push(String(chunk)));
  const plugin = { databaseUrl: database.url, jwt: { secret }, adapter: 'memory' } as const;
  const app = Fastify({ logger: { level: 'trace', stream } });
  await app.register(commitcast, plugin);
  const own = await createServer({ plugin, logLevel: 'trace' });
  // The server's logger writes to the process's output: a pino logger and its children look here for where that is.
  const where = Object.getOwnPropertySymbols(own.log).find(
    ({ description }) => description === 'pino.stream',
  );
  if (!where) throw new Error('the logger is not one of pino');
  Object.assign(own.log, { [where]: { write: (line: string) => lines.push(line) } });
  for (const each of [app, own]) {
    lines.length = 0;
    await each.listen({ port: 0, host: '127.0.0.1' });
    onTestFinished(() => each.close());
    const url = each.listeningOrigin;
    const opened = openStream(url, { query: { access_token: token }, reconnect: false });
    await opened.live();
    opened.close();
    const refused = openStream(url, { query: { access_token: `${token}x` } });
    await until(() => refused.refusals.length > 0);
    const malformed = openStream(url, { query: { access_token: token, deep: 'maybe' } });
    await until(() => malformed.refusals.length > 0);
    // The logger does say what others ask for.
    await fetch(`${url}/v1/cursor`);
    await until(() => lines.some((line) => line.includes('/v1/cursor')));
    await each.close();
    expect(lines.join('\n')).not.toContain(token);
  }
});

it('HEAD says what GET would be, without a session; OPTIONS and the stream itself have the CORS of the API', async () => {
  const origin = 'https://app.example';
  const plugin = {
    databaseUrl: database.url,
    jwt: { secret },
    adapter: 'memory',
    corsOrigin: [origin],
  } as const;
  const app = await createServer({ plugin, logLevel: 'silent' });
  await app.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => app.close());
  const url = app.listeningOrigin;
  const ask = (method: string, headers: Record<string, string>, query = '') =>
    fetch(`${url}${path}${query}`, { method, headers });

  const head = await ask('HEAD', {}, `?access_token=${token}`);
  expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
  expect((await ask('HEAD', {})).status).toBe(401);
  const preflight = await ask('OPTIONS', {
    origin,
    'access-control-request-method': 'GET',
    'access-control-request-headers': 'authorization',
  });
  expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, origin]);
  const stream = openStream(url, { token, headers: { origin } });
  await stream.live();
  expect(stream.responses[0]?.headers.get('access-control-allow-origin')).toBe(origin);
  expect((await ask('POST', {})).status).toBe(404);
});

it('with open streams, one of which is not read, `close` is quick, tells them, and leaves nothing open', async () => {
  const expectNoLeaks = await watchLeaks(database);
  const server = await startServer(database);
  const streams = Array.from({ length: 5 }, () => openStream(server.url, { token, reconnect: false }));
  await Promise.all(streams.map((stream) => stream.live()));
  const [deaf, ...others] = streams;
  deaf?.reading.pause();
  const data = 'x'.repeat(250_000);
  for (let n = 1; n <= 40; n++) {
    await append(database.pool, { org: 'acme', type: 'big', data });
    await until(() => others.every(({ events }) => events.length === n));
  }
  const begin = performance.now();
  await server.close();
  expect(performance.now() - begin).toBeLessThan(5_000);
  await until(() => others.every(({ drops }) => drops === 1));
  for (const { closes } of others) expect(closes).toMatchObject([{ code: 'SHUTTING_DOWN', retry: true }]);
  for (const { retries } of others) expect(retries[1]).toBeGreaterThanOrEqual(2_000);
  for (const stream of streams) stream.close();
  await expectNoLeaks();
});

it('`curl -N` shows events as they are committed, and goes on after its Last-Event-ID', async () => {
  const server = await startServer(database);
  const curl = (...headers: string[]) => {
    const given = [`Authorization: Bearer ${token}`, ...headers].flatMap((header) => ['-H', header]);
    const child = spawn('curl', ['-sN', '--max-time', '40', ...given, `${server.url}${path}?deep=true`]);
    const said = { text: '', child };
    child.stdout.on('data', (chunk) => (said.text += String(chunk)));
    onTestFinished(() => void child.kill());
    return said;
  };
  const first = curl();
  await until(() => first.text.includes('event: live\n'));
  expect(first.text).toMatch(/^retry: \d{4}\n\nid: \w{8}-\d+\nevent: live\ndata: \{.*\}\n\n$/);
  await note('one');
  await until(() => first.text.includes('"type":"one"'));
  const id = /id: (\w{8}-\d+)\nevent: events\n/.exec(first.text)?.[1] ?? '';
  first.child.kill();
  await note('two');
  const second = curl(`Last-Event-ID: ${id}`);
  await until(() => second.text.includes('event: live\n'));
  expect(second.text.match(/"type":"\w+"/g)).toEqual(['"type":"two"']);
  await server.close();
  if (second.child.exitCode === null) await once(second.child, 'exit');
  expect(second.text).toContain('event: close\ndata: {"code":"SHUTTING_DOWN"');
  // 0: the response was whole.
  expect(second.child.exitCode).toBe(0);
});
