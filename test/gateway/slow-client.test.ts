import { expect, it } from 'vitest';
import { unsentBytes, type EngineConnection } from '../../src/gateway/engine-connection.ts';
import { append } from '../../src/log/append.ts';
import { slowSocket } from '../../src/testing/slow-socket.ts';
import { connectClient, type TestClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';

function serverSideOf(server: TestServer, { socket }: TestClient) {
  const found = server.app.commitcast.io.of('/').sockets.get(socket.id ?? '');
  if (!found) throw new Error('the server does not know the client');
  return found;
}

it('P5: a client that does not read delays nobody, costs bounded memory, and gets everything when it reads again', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const [slow, ...others] = await Promise.all(Array.from({ length: 5 }, () => connectClient(server.url)));
  if (!slow) throw new Error('no client');
  await Promise.all([slow, ...others].map((client) => client.live()));
  const socket = serverSideOf(server, slow);

  const reading = slowSocket(slow.socket);
  reading.pause();
  const total = 900;
  let worst = 0;
  // Far more than the kernel's buffers of both sides hold.
  const data = 'x'.repeat(40_000);
  for (let n = 0; n < total; n += 30) {
    await append(
      database.pool,
      Array.from({ length: 30 }, () => ({ org: 'acme', type: 'large', data })),
    );
    await until(() => others.every(({ events }) => events.length >= n + 30));
    worst = Math.max(worst, unsentBytes(socket.conn as unknown as EngineConnection));
  }
  expect(slow.events.length).toBeLessThan(total);
  expect(socket.rooms.has('org:acme')).toBe(false);
  // The limit, and what one page of the log has at most.
  expect(worst).toBeLessThan(256 * 1024 + 1.5 * 1024 * 1024);

  reading.resume();
  await slow.live(2);
  await append(database.pool, { org: 'acme', type: 'last', data: null });
  await until(() => slow.events.at(-1)?.type === 'last');
  expect(slow.positions).toEqual(others[0]?.positions);
  expect(slow.closes).toEqual([]);
});
