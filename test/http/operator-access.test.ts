import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';

const database = await createDatabase();
/** As a proxy would pass it on: not from this machine. */
const forwarded = { 'x-forwarded-for': '203.0.113.9' };

it('P4: who administers an org by a membership is no operator of the installation; a token can say that', async () => {
  const { url } = await startServer(database);
  await database.pool.query(
    `insert into commitcast.membership (user_id, org_id, role, is_primary) values ('kim', 'rival', 'admin', true)`,
  );
  const ask = async (claims: Parameters<typeof signToken>[0]) => {
    const authorization = `Bearer ${await signToken(claims)}`;
    return (await fetch(`${url}/v1/status`, { headers: { ...forwarded, authorization } })).status;
  };
  expect(await ask({ sub: 'kim', org_id: undefined })).toBe(403);
  expect(await ask({ sub: 'kim', org_id: undefined, role: 'admin' })).toBe(200);
  expect(await ask({ role: 'admin' })).toBe(200);
});

it('P4: a page of another origin reads nothing through the browser of somebody on this machine', async () => {
  const { url } = await startServer(database);
  const ask = async (origin?: string) =>
    (await fetch(`${url}/v1/status`, { headers: origin === undefined ? {} : { origin } })).status;
  expect(await ask()).toBe(200);
  expect(await ask(url)).toBe(200);
  expect(await ask('https://elsewhere.example')).toBe(403);
});

it('streams that are pipelined behind another answer do not become sessions that nobody ends', async () => {
  const { url, app } = await startServer(database);
  const token = await signToken();
  const { port } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
  });
  const request = `GET /v1/events/stream?access_token=${token} HTTP/1.1\r\nHost: x\r\n\r\n`;
  socket.write(request.repeat(5));
  let heard = '';
  socket.on('data', (chunk) => (heard += String(chunk)));
  await until(() => heard.includes('event: live'));
  const status = async () =>
    (await (await fetch(`${url}/v1/status`)).json()) as { instance?: unknown } & Record<string, unknown>;
  const total = async () => /"total":(\d+)/.exec(JSON.stringify(await status()))?.[1];
  expect(await total()).toBe('1');
  socket.destroy();
  await until(async () => (await total()) === '0');
  expect(app.server.listening).toBe(true);
});
