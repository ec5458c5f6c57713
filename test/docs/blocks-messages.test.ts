import { expect, it, onTestFinished } from 'vitest';
import { io } from 'socket.io-client';
import { append } from '../../src/log/append.ts';
import { createDatabase } from '../support/database.ts';
import { listBlocks } from '../support/doc-blocks.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';

const page = 'docs/any-client.md';
const printed = listBlocks(page)
  .filter(({ language }) => language === 'json')
  .map(({ content }) => JSON.parse(content) as unknown);

/** Which fields there are, and of what kind: values differ from run to run. A printed list stands for its first element. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shape);
  if (value === null || typeof value !== 'object') return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, shape(each)]));
}

it('every message that the page prints as JSON is one of a running server, field by field', async () => {
  const [auth, events, live, reset, checkpoint, expiring, revoked, close, refused, ...more] = printed;
  expect(more).toEqual([]);
  const database = await createDatabase();
  const server = await startServer(database, { checkpointIntervalMs: 100 });
  const claims = { sub: 'kim', org_id: 'acme', sites: ['bergen'], units: ['truck-7'] };
  const got = new Map<string, unknown[]>();
  const token = await signToken(claims, { ttlSeconds: 20 });
  // The handshake as printed: its cursor is of a history that this database never had, and its site is not the user's.
  const socket = io(server.url, {
    auth: { ...(auth as object), token },
    transports: ['websocket'],
    reconnection: false,
  });
  onTestFinished(() => void socket.disconnect());
  socket.onAny((name: string, ...args: unknown[]) => got.set(name, args));
  const first = async (name: string) => (await until(() => got.get(name), { message: name }))[0];
  expect(shape(await first('live'))).toEqual(shape(live));
  expect(shape(await first('reset'))).toEqual(shape(reset));
  await append(database.pool, {
    org: 'acme',
    type: 'door.opened',
    site: 'oslo',
    unit: 'truck-7',
    data: { by: 'kim' },
  });
  await first('events');
  const [name, list, cursor] = events as [string, unknown[], string];
  expect([name, ...(got.get('events') ?? []).map(shape)]).toEqual(['events', shape(list), shape(cursor)]);
  await append(database.pool, { org: 'acme', unit: 'truck-8', type: 'for.others', data: null });
  expect(shape(await first('checkpoint'))).toEqual(shape(checkpoint));
  expect(shape(await socket.emitWithAck('subscribe', { site: 'oslo' }))).toEqual(shape(refused));
  expect(shape(await first('token-expiring'))).toEqual(shape(expiring));
  // The handshake asked for the site, and was denied.
  expect(await first('revoked')).toEqual(revoked);
  await server.close();
  expect(await first('close')).toEqual(close);
});
