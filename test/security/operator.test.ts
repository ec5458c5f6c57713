import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';

const database = await createDatabase();
const paths = ['/v1/status', '/metrics'];

/** The status of an answer to a request that is written by hand. */
async function statusOf(url: string, path: string, version: string): Promise<string | undefined> {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => {
    socket.destroy();
  });
  let heard = '';
  socket.on('data', (chunk) => (heard += String(chunk)));
  socket.write(`GET ${path} HTTP/${version}\r\nHost: ${host}\r\n\r\n`);
  return until(() => /^HTTP\/1\.1 (\d{3})/.exec(heard)?.[1]);
}

it('P4: with the local operator switched off, metrics and status want the role `admin` from this machine, too', async () => {
  const { url } = await startServer(database, { localOperator: false });
  const authorization = `Bearer ${await signToken({ role: 'admin' })}`;
  const other = `Bearer ${await signToken()}`;
  for (const path of paths) {
    const refused = await fetch(url + path);
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({ error: { code: 'ADMIN_REQUIRED' } });
    expect((await fetch(url + path, { headers: { authorization: other } })).status).toBe(403);
    expect((await fetch(url + path, { headers: { authorization } })).status).toBe(200);
  }
});

it('P4: what nginx passes on from anybody, as it comes from the package, is not taken for this machine', async () => {
  const { url } = await startServer(database);
  for (const path of paths) {
    expect(await statusOf(url, path, '1.1')).toBe('200');
    expect(await statusOf(url, path, '1.0')).toBe('403');
  }
});
