import { expect, it, onTestFinished } from 'vitest';
import { formatCursor } from '../../src/core/cursor.ts';
import { append } from '../../src/log/append.ts';
import { holdCommits } from '../../src/testing/hold-commits.ts';
import { slowSocket } from '../../src/testing/slow-socket.ts';
import { operate } from '../consumer/operated.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { askInstance, askStatus } from './ask-status.ts';

it('says where the log stands, who leads, how far each instance is, and who follows', async () => {
  const { url, write } = await operate();
  await write([1, 2, 3]);
  const answer = await until(async () => {
    const seen = await askStatus(url);
    const [own] = seen.instances;
    const isDone = own?.report.gateway?.position === 3 && seen.consumers[0]?.position === 3;
    return isDone && seen.leader && seen.samples.length > 1 && seen;
  });
  const [own] = answer.instances;
  expect(answer).toMatchObject({
    instance: own?.id,
    database: 'ok',
    log: { head: 3, floor: 1, epoch: own?.report.gateway?.epoch },
    leader: { instance: own?.id },
    waitingFor: [],
    consumers: [{ name: 'copy', partition: 0, partitions: 1, lagPositions: 0, alive: true, failed: false }],
  });
  expect(answer.log?.version).toMatch(/^\d+\.\d+$/);
  expect(answer.log?.partitions).toBeGreaterThan(0);
  expect(answer.log?.bytes).toBeGreaterThan(8_192);
  expect(answer.leader?.heartbeatAgeMs).toBeLessThan(30_000);
  expect(own).toMatchObject({
    kind: 'serve',
    pid: process.pid,
    seenAgeMs: 0,
    report: {
      adapter: { name: 'memory', state: 'ok' },
      relay: { leading: true, head: 3, waitingFor: [] },
      gateway: { lag: 0 },
      errors: { warnings: 0, errors: 0, recent: [] },
    },
  });
  expect(own?.version).toMatch(/^\d+\.\d+\.\d+/);
  const ages = answer.samples.map(({ agoMs }) => agoMs);
  expect(ages).toEqual(ages.toSorted((a, b) => b - a));
});

it('each instance answers for all, and one that stops is gone', async () => {
  const database = await createDatabase();
  const [one, other] = [await startServer(database), await startServer(database)];
  const { instance } = await askStatus(other.url);
  await until(async () => {
    const { instances } = await askStatus(one.url);
    return instances.length === 2 && instances[1]?.id === instance;
  });
  const instances = await until(async () => {
    const seen = (await askStatus(other.url)).instances;
    return seen.some(({ report }) => report.relay?.leading) && seen;
  });
  expect(instances.map(({ id }) => id)).toEqual([instance, (await askStatus(one.url)).instance]);
  expect(instances.filter(({ report }) => report.relay?.leading)).toHaveLength(1);
  await other.close();
  await until(async () => (await askStatus(one.url)).instances.length === 1);
});

it('counts sessions and rooms, and those of applications are none of them', async () => {
  const { url, app } = await startServer(await createDatabase(), {
    setUp: (server) => {
      server.commitcast.io.on('connection', (socket) => void socket.join('org-wide secret'));
    },
  });
  const clients = await Promise.all([
    connectClient(url),
    connectClient(url, { subscriptions: [{ unit: 'truck-7' }] }),
  ]);
  await Promise.all(clients.map((client) => client.live()));
  const leaving = new AbortController();
  const stream = await fetch(`${url}/v1/events/stream`, {
    headers: { authorization: `Bearer ${await signToken()}` },
    signal: leaving.signal,
  });
  expect(stream.status).toBe(200);
  await until(async () => (await askInstance(url)).gateway.sessions.live === 3);
  const { gateway } = await askInstance(url);
  expect(gateway.sessions).toEqual({ total: 3, live: 3, catchingUp: 0, slow: 0, sockets: 2, streams: 1 });
  leaving.abort();
  await until(async () => (await askInstance(url)).gateway.sessions.streams === 0);
  expect(app.commitcast.io.of('/').adapter.rooms.has('org-wide secret')).toBe(true);
  expect(gateway.rooms).toBe(2);
  expect(gateway.largestRooms).toEqual([
    { room: 'org:acme', sockets: 2 },
    { room: 'org:acme:unit:truck-7', sockets: 1 },
  ]);
});

it('names slow sessions, since when they are so and what they have not taken', async () => {
  const database = await createDatabase();
  const { url } = await startServer(database);
  const client = await connectClient(url, { token: await signToken({ sub: 'user-7' }) });
  await client.live();
  const reading = slowSocket(client.socket);
  reading.pause();
  const data = 'x'.repeat(100_000);
  const slow = await until(async () => {
    await append(
      database.pool,
      Array.from({ length: 20 }, () => ({ org: 'acme', type: 'large', data })),
    );
    const { gateway } = await askInstance(url);
    return gateway.sessions.slow === 1 && gateway.slowSessions[0];
  });
  expect(slow).toMatchObject({ id: client.socket.id, org: 'acme', userId: 'user-7' });
  expect(slow.unsentBytes).toBeGreaterThan(100_000);
  await until(async () => ((await askInstance(url)).gateway.slowSessions[0]?.slowMs ?? 0) > slow.slowMs);
  reading.resume();
  await until(async () => (await askInstance(url)).gateway.sessions.live === 1);
  expect((await askInstance(url)).gateway.slowSessions).toEqual([]);
});

it('names the commit that holds the stream back, and the oldest transaction that writes', async () => {
  const database = await createDatabase();
  const { url } = await startServer(database);
  await until(async () => (await askStatus(url)).instances[0]?.report.relay?.leading);
  const writer = await database.connect();
  await writer.query(`set application_name = 'nightly-import'`);
  const { rows } = await writer.query<{ pid: number }>('select pg_backend_pid() as pid');
  const hold = await holdCommits(database.url, { type: 'held' });
  onTestFinished(() => hold.close());
  await writer.query('begin');
  await append(writer, { org: 'acme', type: 'held', data: null });
  const open = await until(async () => (await askStatus(url)).oldestWriter);
  expect(open).toMatchObject({ ...rows[0], applicationName: 'nightly-import' });
  expect(open.ageMs).toBeGreaterThanOrEqual(0);
  expect(open.ageMs).toBeLessThan(60_000);
  // It holds nothing back before it commits.
  expect((await askStatus(url)).waitingFor).toEqual([]);

  const committed = writer.query('commit');
  await hold.reached(1);
  // Its position is missed when there is a later one.
  await append(database.pool, { org: 'acme', type: 'after', data: null });
  const [waitedFor] = await until(async () => {
    const { waitingFor } = await askStatus(url);
    return waitingFor.some(({ pid }) => pid === rows[0]?.pid) && waitingFor;
  });
  await hold.close();
  expect(waitedFor).toHaveProperty('ageMs');
  await committed;
  await until(async () => {
    const { waitingFor, oldestWriter } = await askStatus(url);
    return waitingFor.length === 0 && oldestWriter === null;
  });
});

it('counts replays from memory and from the log, and resets by their reason', async () => {
  const database = await createDatabase();
  await append(
    database.pool,
    // More than an instance remembers when it starts.
    Array.from({ length: 3 }, () => ({ org: 'acme', type: 'early', data: 'x'.repeat(40_000) })),
  );
  await database.pool.query('update commitcast.relay set published = 3');
  const { url } = await startServer(database, { tailBytes: 65_536 });
  const { gateway } = await askInstance(url);
  const cursorAt = (position: number, { epoch } = gateway) => formatCursor({ epoch, position });
  const none = { pages: 0, events: 0, sessions: 0 };
  expect(gateway.replays).toEqual({
    memory: none,
    log: none,
    resets: { expired: 0, epoch: 0, unknown: 0 },
  });

  await (await connectClient(url, { cursor: cursorAt(1) })).live();
  expect((await askInstance(url)).gateway.replays).toMatchObject({
    memory: none,
    log: { pages: 1, events: 2, sessions: 1 },
  });

  await append(database.pool, { org: 'acme', type: 'late', data: null });
  await until(async () => (await askInstance(url)).gateway.position === 4);
  await (await connectClient(url, { cursor: cursorAt(3) })).live();
  expect((await askInstance(url)).gateway.replays).toMatchObject({
    memory: { pages: 1, events: 1, sessions: 1 },
    log: { sessions: 1 },
  });

  await (await connectClient(url, { cursor: cursorAt(99) })).live();
  await (await connectClient(url, { cursor: cursorAt(1, { ...gateway, epoch: 'aaaaaaaa' }) })).live();
  expect((await askInstance(url)).gateway.replays.resets).toEqual({ expired: 0, epoch: 1, unknown: 1 });
});
