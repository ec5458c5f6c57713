import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { Releasers } from '../../src/core/service.ts';
import { append } from '../../src/log/append.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { startSocketIoFloor, startWsFloor } from './floors/floors.ts';
import type { Bench } from './harness/row.ts';
import { nowUs } from './support/answer.ts';
import { startSink } from './support/sink.ts';

const releasers = new Releasers();
const bench = { releasers, cores: { server: undefined, load: undefined } } as unknown as Bench;

afterEach(() => releasers.release());

test('a sink counts what each of its clients gets from a server of ours, in order, and knows their cursors', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const sink = startSink(bench);
  const auth = { token: await signToken(), subscriptions: [{ deep: true }] };
  await sink.connect({ url: server.url, count: 30, kind: 'commitcast', auth });

  const data = { due: nowUs(), text: 'x'.repeat(70_000) };
  const events = Array.from({ length: 40 }, (_, n) => ({ org: 'acme', unit: `u${n}`, type: 'x', data }));
  await append(database.pool, events);
  await sink.until(40);

  const report = await sink.report(41);
  expect(report).toMatchObject({ clients: 30, failed: 0, events: 1_200, leastEvents: 40, mostEvents: 40 });
  expect(report).toMatchObject({ missed: 30, doubled: 0, disordered: 0, resets: 0 });
  expect(report.bytes).toBeGreaterThan(1_200 * 70_000);
  expect(report.latencyUs.count).toBe(1_200);
  expect(report.liveUs.count).toBe(30);
  const places = await sink.places();
  expect(new Set(places.map(({ place }) => place))).toEqual(new Set([server.app.commitcast.cursor()]));
});

test('a sink tells what came twice, and what came after a later one, and answers pings', async () => {
  const pongs: string[] = [];
  const server = await startWs((socket) => {
    socket.on('pong', (payload) => pongs.push(payload.toString()));
    for (const position of [1, 2, 2, 5, 4, 6]) socket.send(`[{"position":${position}}]`);
    socket.ping('are you there');
  });
  const sink = startSink(bench);
  await sink.connect({ url: server, count: 2, kind: 'ws' });
  await sink.until(6);
  expect(await sink.report(6)).toMatchObject({ missed: 4, doubled: 2, disordered: 2 });
  expect(pongs).toEqual(['are you there', 'are you there']);
  await sink.reset();
  expect(await sink.report(0)).toMatchObject({ events: 0, missed: 0, doubled: 0, disordered: 0 });
});

test('a sink says that a client was refused, or ended by the server', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const refused = startSink(bench);
  const connecting = refused.connect({
    url: server.url,
    count: 3,
    kind: 'commitcast',
    auth: { token: 'no' },
  });
  await expect(connecting).rejects.toThrow('3 of 3 clients ended: 44');

  const ended = startSink(bench);
  const url = await startWs((socket) => {
    socket.close();
  });
  // Told by either, as the end comes before or after the client is known to be live.
  const waiting = ended.connect({ url, count: 1, kind: 'ws' }).then(() => ended.until(1));
  await expect(waiting).rejects.toThrow('1 of 1 clients ended: closed by the server');
});

test('clients of the floors get every event of a pulse', async () => {
  const ws = await startWsFloor(bench);
  const socketIo = await startSocketIoFloor(bench, { tuned: true });
  for (const [floor, kind] of [
    [ws, 'ws'],
    [socketIo, 'socket.io'],
  ] as const) {
    const sink = startSink(bench);
    await sink.connect({ url: floor.url, count: 20, kind });
    const sent = await floor.pulse({ perSecond: 100, seconds: 0.05, events: 16, dataBytes: 500 });
    expect(sent).toBe(80);
    await sink.until(80);
    expect(await sink.report(80)).toMatchObject({ events: 1_600, missed: 0, doubled: 0, disordered: 0 });
    expect(await floor.heap()).toBeGreaterThan(1_000_000);
  }
});

async function startWs(onConnection: (socket: WebSocket) => void): Promise<string> {
  const http = createServer();
  const server = new WebSocketServer({ server: http });
  server.on('connection', onConnection);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  releasers.add(() => {
    server.clients.forEach((client) => client.terminate());
    http.close();
  });
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}/`;
}
