import { expect, it } from 'vitest';
import { readEnvironment } from '../../src/config/environment.ts';
import { defaultLimits, limitsOf } from '../../src/config/limits.ts';
import { resolvePluginOptions } from '../../src/http/plugin-options.ts';
import { append } from '../../src/log/append.ts';
import { ask } from '../gateway/ask.ts';
import { openRawWebSocket } from '../gateway/raw-websocket.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { handshakes } from './limited.ts';

const database = await createDatabase();

const packet = (bytes: number) => `421["subscribe","${'x'.repeat(bytes)}"]`;
const units = (page: string) => Array.from({ length: 999 }, (_, n) => ({ unit: `${page}-${n}` }));

it('a client that sends too many packets is told so and closed, comes back with its cursor, and disturbs nobody', async () => {
  const { url } = await startServer(database, { limits: { packetsPerSecond: 50 } });
  const [wild, calm] = [await connectClient(url), await connectClient(url)];
  await Promise.all([wild.live(), calm.live()]);
  for (let n = 0; n < 200; n++) wild.socket.emit('unsubscribe', { unit: 'u1' }, () => undefined);
  await until(() => wild.closes.length > 0);
  expect(wild.closes[0]).toMatchObject({ code: 'RATE_LIMITED', retry: true });
  await wild.live(2);
  await append(database.pool, { org: 'acme', type: 'after', data: null });
  await until(() => wild.events.length === 1 && calm.events.length === 1);
  expect([calm.lives.length, calm.drops]).toEqual([1, 0]);
});

it('so is one that never lets itself be identified', async () => {
  const { url, app } = await startServer(database, { limits: { packetsPerSecond: 50 } });
  const raw = await openRawWebSocket(url);
  const { engine } = app.commitcast.io;
  await until(() => engine.clientsCount === 1);
  for (let n = 0; n < 200; n++) raw.sendFrame('40{}');
  // Without the limit it might stay for as long as Socket.IO waits for a handshake: 45 s.
  await until(() => engine.clientsCount === 0);
  expect(raw.received().split('TOKEN_REQUIRED').length - 1).toBeLessThanOrEqual(101);
});

it('one without a session may send less than one that has shown who it is', async () => {
  const { url, app } = await startServer(database);
  const raw = await openRawWebSocket(url);
  const { engine } = app.commitcast.io;
  await until(() => engine.clientsCount === 1);
  for (let n = 0; n < 600; n++) raw.sendFrame('40/nothing-of-ours,');
  await until(() => engine.clientsCount === 0);
  const known = await connectClient(url);
  await known.live();
  const asked = Array.from({ length: 600 }, () => ask(known, 'unsubscribe', { unit: 'u1' }));
  expect((await Promise.all(asked)).every(({ ok }) => ok)).toBe(true);
});

it('one that asks on and on and does not read its answers is let go', async () => {
  const limits = { packetsPerSecond: Infinity, sessionRequestsPerMinute: Infinity };
  const { url, app } = await startServer(database, { limits });
  const raw = await openRawWebSocket(url);
  raw.sendFrame(`40${JSON.stringify({ token: await signToken() })}`);
  await until(() => raw.received().includes('["live"'));
  const [socket] = app.commitcast.io.of('/').sockets.values();
  // As if the socket of the machine took nothing any more.
  Object.defineProperty(socket?.conn.transport, 'writable', {
    get: () => false,
    set: () => {
      // It stays so.
    },
  });
  for (let n = 0; n < 5_000; n++) raw.sendFrame(`42${n}["unsubscribe",{"unit":"u1"}]`);
  await until(() => app.commitcast.io.engine.clientsCount === 0);
});

it('a packet larger than the limit closes its connection, over WebSocket and over polling; a smaller one is answered', async () => {
  const { url } = await startServer(database, { limits: { packetBytes: 4_096 } });
  const raw = await openRawWebSocket(url);
  raw.sendFrame(`40${JSON.stringify({ token: await signToken() })}`);
  await until(() => raw.received().includes('["live"'));
  raw.sendFrame(packet(3_000));
  await until(() => raw.received().includes('SUBSCRIPTION_INVALID'));
  raw.sendFrame(packet(5_000));
  await raw.closed();

  const open = await fetch(`${url}/socket.io/?EIO=4&transport=polling`);
  const { sid } = JSON.parse((await open.text()).slice(1)) as { sid: string };
  const post = async (body: string) =>
    (await fetch(`${url}/socket.io/?EIO=4&transport=polling&sid=${sid}`, { method: 'POST', body })).status;
  expect(await post('40{}')).toBe(200);
  expect(await post(packet(5_000))).toBe(413);
});

it('by default neither a storm of reconnects of one address and user nor a page that changes all it shows is refused', async () => {
  const { url, app } = await startServer(database);
  const statuses = await handshakes(url, 300);
  expect(statuses.filter((status) => status !== 200)).toEqual([]);
  const client = await connectClient(url);
  await client.live();
  const changes = [
    () => units('a').map((unit) => ask(client, 'subscribe', unit)),
    () => units('a').map((unit) => ask(client, 'unsubscribe', unit)),
    () => units('b').map((unit) => ask(client, 'subscribe', unit)),
  ];
  for (const change of changes) {
    const answers = await Promise.all(change());
    expect(answers.filter(({ ok }) => !ok).slice(0, 3)).toEqual([]);
  }
  expect(client.drops).toBe(0);
  expect(app.commitcast.io.engine.clientsCount).toBe(1);
});

const address = { databaseUrl: 'postgres://db/app' };

it('limits are understood alike in the environment and as options of the plugin, and have the same defaults', () => {
  expect(limitsOf(readEnvironment({}))).toEqual(defaultLimits);
  expect(resolvePluginOptions(address).limits).toEqual(defaultLimits);
  const env = { COMMITCAST_USER_SESSIONS: '7', COMMITCAST_USER_CONNECTS_PER_MINUTE: 'off' };
  const limits = { userSessions: 7, userConnectsPerMinute: Infinity };
  expect(limitsOf(readEnvironment(env))).toEqual({ ...defaultLimits, ...limits });
  expect(resolvePluginOptions({ ...address, limits }).limits).toEqual({ ...defaultLimits, ...limits });
});

it.each(['0', '-1', '1.5', 'none'])('%s is no limit', (text) => {
  const limits = { userSessions: Number(text) };
  expect(() => readEnvironment({ COMMITCAST_USER_SESSIONS: text })).toThrow(/COMMITCAST_USER_SESSIONS must/);
  expect(() => resolvePluginOptions({ ...address, limits })).toThrow(/limits\.userSessions/);
});

it('a limit that there is not, and a packet of any size, are refused', () => {
  const wrong = { ...address, limits: { userSesions: 1 } as object };
  expect(() => resolvePluginOptions(wrong)).toThrow(/userSesions/);
  expect(() => readEnvironment({ COMMITCAST_PACKET_BYTES: 'off' })).toThrow(/COMMITCAST_PACKET_BYTES/);
  expect(() => resolvePluginOptions({ ...address, limits: { packetBytes: Infinity } })).toThrow(
    /packetBytes/,
  );
});
