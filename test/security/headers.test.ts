import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { createServer } from '../../src/http/server.ts';
import { createDatabase } from '../support/database.ts';
import { secret, signToken } from '../support/tokens.ts';

const database = await createDatabase();

async function startOwnServer(corsOrigin?: string[]): Promise<string> {
  const plugin = { databaseUrl: database.url, jwt: { secret }, adapter: 'memory', corsOrigin } as const;
  const app = await createServer({ plugin, logLevel: 'silent' });
  onTestFinished(() => app.close());
  return app.listen({ port: 0, host: '127.0.0.1' });
}

it('the page runs what is beside it and nothing else, speaks to its own server only, and is in no frame', async () => {
  const url = await startOwnServer();
  const page = await fetch(url);
  const text = await page.text();
  const policy = Object.fromEntries(
    (page.headers.get('content-security-policy') ?? '').split('; ').map((directive) => {
      const [name, ...sources] = directive.split(' ');
      return [name, sources.join(' ')];
    }),
  );
  const { host } = new URL(url);
  expect(policy).toMatchObject({
    'default-src': "'none'",
    'script-src': "'self'",
    'connect-src': `'self' ws://${host} wss://${host}`,
    'frame-ancestors': "'none'",
    'base-uri': "'none'",
    'form-action': "'none'",
  });
  expect(page.headers.get('cross-origin-opener-policy')).toBe('same-origin');
  // What the policy says is what the page needs: no script or style stands in it.
  expect(text).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\son\w+=/);
  for (const [, asset = ''] of text.matchAll(/(?:src|href)="([^"]*assets[^"]*)"/g)) {
    const answer = await fetch(new URL(asset, url));
    await answer.arrayBuffer();
    expect([asset, answer.status, answer.headers.get('x-content-type-options')]).toEqual([
      asset,
      200,
      'nosniff',
    ]);
  }
});

it.each(['x; script-src *', "x' 'unsafe-inline", 'x y', ''])(
  'a Host of %j adds nothing to what the page may do',
  async (host) => {
    const { port } = new URL(await startOwnServer());
    const socket = connect(Number(port), '127.0.0.1');
    let heard = '';
    socket.on('data', (chunk) => (heard += String(chunk)));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    await closed;
    expect(heard).toContain("connect-src 'self'; frame-ancestors");
  },
);

const bearer = async () => ({ authorization: `Bearer ${await signToken()}` });

it('every other answer says that it is no page, whatever came of the request', async () => {
  const url = await startOwnServer();
  const asked: [string, RequestInit, number][] = [
    ['/health/live', {}, 200],
    ['/v1/cursor', { headers: await bearer() }, 200],
    ['/v1/events', {}, 401],
    ['/v1/events/stream', { method: 'HEAD', headers: await bearer() }, 200],
    ['/nowhere', {}, 404],
    ['/%', {}, 404],
    ['/assets/..%2f..%2fpackage.json', {}, 404],
    ['/console/session', {}, 200],
  ];
  for (const [path, init, status] of asked) {
    const { headers, ...answer } = await fetch(url + path, init).then(async (response) => {
      await response.arrayBuffer();
      return { status: response.status, headers: response.headers };
    });
    expect([path, answer.status]).toEqual([path, status]);
    expect([path, headers.get('content-security-policy')]).toEqual([
      path,
      "default-src 'none'; frame-ancestors 'none'",
    ]);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
  }
});

it('what has no route is answered with its code before its body is looked at', async () => {
  const url = await startOwnServer();
  const wrong: RequestInit[] = [
    { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } },
    { method: 'PUT', body: 'x', headers: { 'content-type': 'rubbish' } },
    { method: 'POST', body: 'x'.repeat(2_000_000), headers: { 'content-type': 'text/plain' } },
    { method: 'DELETE' },
  ];
  for (const init of wrong) {
    const answer = await fetch(`${url}/v1/events`, init);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ error: { code: 'NOT_FOUND' } });
  }
});

const allowed = async (url: string, path: string, origin: string, method = 'GET') => {
  const headers = { origin, 'access-control-request-method': 'GET', ...(await bearer()) };
  const answer = await fetch(url + path, { method, headers });
  await answer.arrayBuffer();
  return answer.headers.get('access-control-allow-origin');
};

const paths = ['/v1/cursor', '/v1/events', '/console/session', '/socket.io/?EIO=4&transport=polling', '/'];

it('CORS is closed: pages from elsewhere read nothing, unless their origin is named', async () => {
  const closed = await startOwnServer();
  const open = await startOwnServer(['https://app.example.com']);
  for (const path of paths) {
    for (const method of ['GET', 'OPTIONS'])
      expect([path, await allowed(closed, path, 'https://evil.example', method)]).toEqual([path, null]);
    expect([path, await allowed(open, path, 'https://evil.example')]).not.toEqual([
      path,
      'https://evil.example',
    ]);
    expect([path, await allowed(open, path, 'https://evil.example')]).not.toEqual([path, '*']);
    expect(await allowed(open, path, 'https://app.example.com')).toBe('https://app.example.com');
  }
});
