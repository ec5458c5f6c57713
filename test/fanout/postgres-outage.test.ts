import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import { io as connect } from 'socket.io-client';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { silentLogger } from '../../src/core/logger.ts';
import { attachPostgresAdapter } from '../../src/fanout/postgres.ts';
import { createDatabase } from '../support/database.ts';
import { once, until } from '../support/until.ts';
import { startOurs, untilHeard } from './facts/instances.ts';
import { startNetwork } from './facts/network.ts';

const database = await createDatabase();
const crash = vi.fn<(error: unknown) => void>();
const someSecondsMs = 6_000;

beforeEach(() => {
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
});

afterEach(() => {
  process.off('uncaughtException', crash);
  process.off('unhandledRejection', crash);
  expect(crash).not.toHaveBeenCalled();
});

/** A Socket.IO server with the adapter, and one browser. */
async function startWithClient(databaseUrl: string) {
  const http = createServer();
  const io = new Server(http);
  const options = { connectionString: databaseUrl, secret: 'outage', onGap: () => {}, logger: silentLogger };
  const adapter = await attachPostgresAdapter(io, options);
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    await io.close();
    await adapter.stop();
  });
  const got: string[] = [];
  const client = connect(`http://127.0.0.1:${(http.address() as AddressInfo).port}`, {
    transports: ['websocket'],
  });
  onTestFinished(() => void client.close());
  client.on('note', (note: string) => got.push(note));
  await once(client, 'connect');
  return { io, adapter, got };
}

it.each(['refuses connections', 'does not answer'])(
  'P5: while the database %s, the sockets of this instance get its messages, in order, after some seconds at most',
  async (fault) => {
    const network = await startNetwork(database.url);
    const { io, adapter, got } = await startWithClient(network.url);
    if (fault === 'does not answer') network.hold();
    else network.cut({ refuse: true });
    const since = performance.now();
    const notes = Array.from({ length: 12 }, (_, n) => `note ${n}`);
    // Every third is large, and would go through the table of the attachments.
    for (const [n, note] of notes.entries()) io.emit('note', note, 'x'.repeat(n % 3 === 0 ? 20_000 : 10));
    await until(() => got.length === notes.length);
    expect(got).toEqual(notes);
    expect(performance.now() - since).toBeLessThan(someSecondsMs);
    await until(() => adapter.state === 'unreachable');
    network.release();
    network.accept();
    await until(() => adapter.state === 'ok');
  },
);

it('an instance that stops says so: the others do not wait for its heartbeat', async () => {
  const [staying, leaving] = [await startOurs(database.url), await startOurs(database.url)];
  await untilHeard(leaving, staying);
  const serverCount = () => staying.io.of('/').adapter.serverCount();
  await until(async () => (await serverCount()) === 2);
  await leaving.stop();
  await until(async () => (await serverCount()) === 1, { timeoutMs: 5_000 });
});

it('LISTEN that goes dead without a word is found within seconds, and what may have been missed is looked for', async () => {
  const network = await startNetwork(database.url);
  const onGap = vi.fn<() => void>();
  const there = await startOurs(network.url, { onGap });
  const here = await startOurs(database.url);
  await untilHeard(here, there);
  const gaps = onGap.mock.calls.length;
  network.blackHole();
  await until(() => onGap.mock.calls.length === gaps + 2, { timeoutMs: 8_000 });
  await untilHeard(here, there);
  await until(() => there.state === 'ok');
});
