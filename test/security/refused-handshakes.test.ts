import type { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
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

it('one that asks again on the connection that waits is answered once, by its end', async () => {
  const { url, app } = await startServer(database, { limits: { userConnectsPerMinute: 1 } });
  expect(await handshakes(url, 1)).toEqual([200]);
  const raw = await openRawWebSocket(url);
  const token = await signToken();
  for (let n = 0; n < 20; n++) raw.sendFrame(`40${JSON.stringify({ token })}`);
  const handshake = JSON.stringify({ token, retries: true });
  const { clients } = app.commitcast.io.engine as unknown as { clients: Record<string, EventEmitter> };
  const [connection] = await until(() => Object.values(clients).length === 1 && Object.values(clients));
  const listeners = connection?.listenerCount('close') ?? NaN;
  raw.sendFrame(`40${handshake}`);
  await until(() => raw.received().includes('RATE_LIMITED'));
  expect(raw.received().split('RATE_LIMITED')).toHaveLength(2);
  // Nothing more is kept for it.
  expect(connection?.listenerCount('close')).toBeLessThanOrEqual(listeners + 1);
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
