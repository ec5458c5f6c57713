import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { append } from '../../src/log/append.ts';
import { connectClient, type TestClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { once, until } from '../support/until.ts';
import { malformedPackets } from './malformed-packets.ts';
import { openRawWebSocket } from './raw-websocket.ts';

const database = await createDatabase();
let server: TestServer;
let witness: TestClient;
const crash = vi.fn<(error: unknown) => void>();

beforeEach(async () => {
  // In the process under test these two would be its end.
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
  server = await startServer(database);
  witness = await connectClient(server.url);
  await witness.live();
});

afterEach(() => {
  process.off('uncaughtException', crash);
  process.off('unhandledRejection', crash);
});

/** Another client still gets what is committed now, over the connection that it had. */
async function expectAlive(): Promise<void> {
  const before = witness.events.length;
  await append(database.pool, { org: 'acme', type: 'still here', data: null });
  await until(() => witness.events.length > before);
  expect(witness.lives).toHaveLength(1);
  expect(crash).not.toHaveBeenCalled();
}

const token = await signToken();
const join = `40${JSON.stringify({ token })}`;

const packets = malformedPackets(join);

it.each(Object.entries(packets))(
  'a packet that is %s ends at most its own connection',
  async (_name, packet) => {
    const raw = await openRawWebSocket(server.url);
    raw.sendFrame(join);
    await until(() => raw.received().includes('["live"'));
    raw.sendFrame(packet);
    raw.sendFrame('42["unsubscribe",null]');
    await expectAlive();
  },
);

it('the same packets before any handshake end at most their own connection', async () => {
  await Promise.all(
    Object.values(packets).map(async (packet) => {
      const raw = await openRawWebSocket(server.url);
      raw.sendFrame(packet);
      raw.sendFrame('42["subscribe",{}]');
      raw.stream.end();
      await raw.closed();
    }),
  );
  await expectAlive();
});

it('binary frames, attachments in the place of a subscription included, are answered or dropped', async () => {
  const raw = await openRawWebSocket(server.url);
  raw.sendFrame(join);
  await until(() => raw.received().includes('["live"'));
  raw.sendFrame('451-3["subscribe",{"_placeholder":true,"num":0}]');
  raw.sendFrame(Buffer.alloc(1_000), 2);
  await until(() => raw.received().includes('SUBSCRIPTION_INVALID'));
  raw.sendFrame(Buffer.from([1, 2, 3]), 2);
  await expectAlive();
});

it('a frame larger than any request is refused by ending the connection', async () => {
  const raw = await openRawWebSocket(server.url);
  raw.sendFrame(join);
  await until(() => raw.received().includes('["live"'));
  raw.sendFrame(`42["subscribe",${JSON.stringify('x'.repeat(1024 * 1024))}]`);
  await raw.closed();
  await expectAlive();
});

it('bytes that are no WebSocket frame, and text that is no UTF-8, end at most their own connection', async () => {
  for (const bytes of [
    Buffer.from([0xff, 0xff, 0xff, 0xff]),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.alloc(1_000),
  ]) {
    const raw = await openRawWebSocket(server.url);
    raw.stream.write(bytes);
    await raw.closed();
  }
  const raw = await openRawWebSocket(server.url);
  raw.sendFrame(Buffer.from([0x34, 0xc3, 0x28]));
  await raw.closed();
  await expectAlive();
});

it('an upgrade to an unknown session, transport or version is refused', async () => {
  for (const query of [
    'EIO=4&transport=websocket&sid=none',
    'EIO=4&transport=carrier-pigeon',
    'EIO=99&transport=websocket',
  ]) {
    const raw = await openRawWebSocket(server.url, `/socket.io/?${query}`);
    await raw.closed();
    // Engine.IO may say so after it has upgraded.
    expect(raw.received()).toContain('HTTP/1.1 400 ');
  }
  await expectAlive();
});

it('a polling request with rubbish in its body ends at most its own session', async () => {
  const open = await fetch(`${server.url}/socket.io/?EIO=4&transport=polling`);
  const { sid } = JSON.parse((await open.text()).slice(1)) as { sid: string };
  const answer = await fetch(`${server.url}/socket.io/?EIO=4&transport=polling&sid=${sid}`, {
    method: 'POST',
    body: '4\u001e\u001eb!!!\u001e42[',
  });
  await answer.text();
  await expectAlive();
});

it('a handshake whose subscriptions are nested too deep to be sent back is answered all the same', async () => {
  const raw = await openRawWebSocket(server.url);
  const deep = `${'['.repeat(15_000)}${']'.repeat(15_000)}`;
  raw.sendFrame(
    `40${JSON.stringify({ token, subscriptions: '?' }).replace('"?"', `[${deep},{"site":${deep}}]`)}`,
  );
  await until(() => raw.received().includes('["live"'));
  expect(raw.received()).toContain('"denied":[{"subscription":null,"code":"SUBSCRIPTION_INVALID"}');
  await expectAlive();
});

it('clients that go in the middle of everything leave nothing behind', async () => {
  const { io } = server.app.commitcast;
  await Promise.all(
    Array.from({ length: 30 }, async (_, n) => {
      const raw = await openRawWebSocket(server.url);
      raw.sendFrame(join);
      if (n % 3 === 0) raw.sendFrame('420["subscribe",{"site":"s1"}]');
      if (n % 3 === 1) await until(() => raw.received().includes('["live"'));
      raw.stream.destroy();
      await raw.closed();
    }),
  );
  await expectAlive();
  const [first] = io.of('/').adapter.sids.keys();
  await until(() => io.of('/').adapter.sids.size === 1 && io.engine.clientsCount === 1);
  expect(first).toBe(witness.socket.id);
  witness.socket.disconnect();
  await until(() => io.of('/').adapter.rooms.size === 0);
  witness.socket.connect();
  await once(witness.socket, 'live');
});

it('P3: a connection that joins twice before it is let in does not become two sessions: it is closed', async () => {
  const held: (() => void)[] = [];
  const slow = await startServer(database, {
    verifyAccessToken: async (userId) => {
      await new Promise<void>((resolve) => held.push(resolve));
      return { userId, organizationId: 'acme', expiresAt: 2 ** 32 };
    },
  });
  const sessions: unknown[] = [];
  slow.app.commitcast.io.on('connection', (socket) => {
    if (socket.connected) sessions.push(socket.id);
  });
  const raw = await openRawWebSocket(slow.url);
  raw.sendFrame(join);
  raw.sendFrame(join);
  await until(() => held.length === 2);
  for (const release of held) release();
  await raw.closed();
  expect(sessions).toHaveLength(1);
  await expectAlive();
});
