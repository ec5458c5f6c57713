import { expect, it } from 'vitest';
import { CommitcastError } from '../../src/core/errors.ts';
import { openRawWebSocket } from '../gateway/raw-websocket.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { handshakes } from './limited.ts';

const database = await createDatabase();

it.each(['websocket', 'polling'] as const)(
  'a stock client that is over a limit, over %s: kept waiting, then it comes back by itself, and is let in',
  async (transport) => {
    const { url } = await startServer(database, { limits: { userConnectsPerMinute: 60 } });
    const statuses = await handshakes(url, 62);
    expect(statuses).toContain(429);
    const client = await connectClient(url, { options: { transports: [transport] } });
    const opened: number[] = [];
    client.socket.io.on('open', () => opened.push(performance.now()));
    const ended: number[] = [];
    client.socket.io.on('close', () => ended.push(performance.now()));
    await client.live();
    expect(client.refusals).toEqual([]);
    expect(client.drops).toBeGreaterThanOrEqual(1);
    // A timer may be a millisecond early.
    for (const [n, at] of ended.entries()) expect(at - (opened[n] ?? NaN)).toBeGreaterThan(900);
  },
);

/** What Socket.IO keeps of those that it has not answered. */
const unanswered = (app: { commitcast: { io: unknown } }) =>
  (app.commitcast.io as { sockets: { _preConnectSockets: Map<string, unknown> } }).sockets._preConnectSockets
    .size;

it('one that asks again on the connection that waits is ended', async () => {
  const { url, app } = await startServer(database, { limits: { userConnectsPerMinute: 1 } });
  expect(await handshakes(url, 1)).toEqual([200]);
  const raw = await openRawWebSocket(url);
  const token = await signToken();
  for (let n = 0; n < 20; n++) raw.sendFrame(`40${JSON.stringify({ token })}`);
  await until(() => app.commitcast.io.engine.clientsCount === 0);
  await until(() => unanswered(app) === 0);
  expect(raw.received()).not.toContain('RATE_LIMITED');
});

it('nothing is kept of those that were not let in, whether they wait, go away, or met an outage', async () => {
  let isAway = false;
  const { url, app } = await startServer(database, {
    limits: { userSessions: 1 },
    jwt: undefined,
    verifyAccessToken: async () => {
      if (isAway) throw new Error('nobody answers');
      return { userId: 'kim', organizationId: 'acme', expiresAt: Date.now() / 1_000 + 600 };
    },
  });
  const first = await connectClient(url, { options: { reconnection: false } });
  await first.live();
  const waiting = await connectClient(url, { options: { reconnection: false } });
  const leaving = await connectClient(url, { options: { reconnection: false } });
  await until(() => unanswered(app) === 2);
  leaving.socket.disconnect();
  await until(() => waiting.drops === 1);
  await until(() => unanswered(app) === 0);
  isAway = true;
  const failing = await connectClient(url, { options: { reconnection: false } });
  await until(() => failing.drops === 1);
  await until(() => unanswered(app) === 0);
});

it('a code that an application made up refuses one handshake, and ends nothing else', async () => {
  const { url } = await startServer(database, {
    jwt: undefined,
    verifyAccessToken: async (token) => {
      if (token === 'odd') throw new CommitcastError('MY_CODE' as 'INTERNAL', 'of mine');
      return { userId: 'kim', organizationId: 'acme', expiresAt: Date.now() / 1_000 + 600 };
    },
  });
  const odd = await connectClient(url, { token: 'odd', options: { reconnection: false } });
  await until(() => odd.drops === 1);
  await (await connectClient(url)).live();
});

it('a server that stops waits for none of them', async () => {
  const server = await startServer(database, { limits: { userSessions: 1 } });
  await (await connectClient(server.url)).live();
  const waiting = await connectClient(server.url, { options: { reconnection: false } });
  await until(() => server.app.commitcast.io.engine.clientsCount === 2);
  const began = performance.now();
  await server.close();
  expect(performance.now() - began).toBeLessThan(8_000);
  await until(() => waiting.drops === 1);
  expect([waiting.refusals, waiting.closes]).toEqual([[], []]);
});
