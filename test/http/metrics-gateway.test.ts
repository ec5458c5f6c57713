import { expect, it, onTestFinished } from 'vitest';
import { append } from '../../src/log/append.ts';
import { revoke } from '../../src/log/revoke.ts';
import { slowSocket } from '../../src/testing/slow-socket.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { scrape } from './metrics-scrape.ts';

const refused = (what: string, code: string) => `commitcast_refusals_total{what="${what}",code="${code}"}`;

it('counts what is refused, by what it was and by its code', async () => {
  const { url } = await startServer(await createDatabase());
  const stranger = await connectClient(url, { token: 'nonsense' });
  await until(() => stranger.refusals.length === 1);
  const client = await connectClient(url);
  await client.live();
  await client.socket.emitWithAck('subscribe', { site: '' });
  await client.socket.emitWithAck('unsubscribe', {});
  expect((await fetch(`${url}/v1/events`)).status).toBe(401);
  const token = await signToken();
  expect(
    (await fetch(`${url}/v1/events?limit=0`, { headers: { authorization: `Bearer ${token}` } })).status,
  ).toBe(400);
  expect((await fetch(`${url}/v1/events/stream`)).status).toBe(401);
  const series = await scrape(url);
  expect(Object.fromEntries(Object.entries(series).filter(([name]) => name.includes('refusals')))).toEqual({
    [refused('handshake', 'TOKEN_INVALID')]: 1,
    [refused('request', 'SUBSCRIPTION_INVALID')]: 2,
    [refused('http', 'TOKEN_REQUIRED')]: 2,
    [refused('http', 'LIMIT_INVALID')]: 1,
  });
});

it('counts what the limits have refused, by the limit', async () => {
  const { url } = await startServer(await createDatabase(), { limits: { sessionRequestsPerMinute: 1 } });
  const client = await connectClient(url);
  await client.live();
  await client.socket.emitWithAck('subscribe', { site: 'harbour' });
  await client.socket.emitWithAck('subscribe', { site: 'quay' });
  expect(await scrape(url)).toMatchObject({
    'commitcast_limit_refusals_total{limit="sessionRequestsPerMinute"}': 1,
    [refused('request', 'RATE_LIMITED')]: 1,
  });
});

it('counts sockets, streams, rooms, sessions, and those that the server ended', async () => {
  const database = await createDatabase();
  const { url } = await startServer(database);
  const kim = await connectClient(url, { token: await signToken({ sub: 'kim' }) });
  const lee = await connectClient(url, {
    token: await signToken({ sub: 'lee' }),
    subscriptions: [{ site: 'harbour' }, { deep: true }],
  });
  await Promise.all([kim.live(), lee.live()]);
  const leaving = new AbortController();
  onTestFinished(() => {
    leaving.abort();
  });
  const headers = { authorization: `Bearer ${await signToken({ sub: 'lee' })}` };
  await fetch(`${url}/v1/events/stream`, { headers, signal: leaving.signal });
  await until(async () => (await scrape(url))['commitcast_session_state{state="live"}'] === 3);
  expect(await scrape(url)).toMatchObject({
    commitcast_connections: 2,
    commitcast_sessions: 2,
    commitcast_streams: 1,
    // Of the org, of the site, and of all of the org.
    commitcast_rooms: 3,
    commitcast_sessions_opened_total: 3,
  });
  await revoke(database.pool, { org: 'acme', user: 'kim' });
  await until(() => kim.closes.length === 1);
  await until(async () => (await scrape(url))['commitcast_sessions'] === 1);
  leaving.abort();
  await until(async () => (await scrape(url))['commitcast_streams'] === 0);
  const series = await scrape(url);
  expect(Object.entries(series).filter(([name]) => name.includes('sessions_closed'))).toEqual([
    ['commitcast_sessions_closed_total{code="ORG_FORBIDDEN"}', 1],
  ]);
  expect(series['commitcast_sessions_opened_total']).toBe(3);
});

it('counts sessions that did not read what was sent to them', async () => {
  const database = await createDatabase();
  const { url } = await startServer(database);
  const client = await connectClient(url);
  await client.live();
  const reading = slowSocket(client.socket);
  reading.pause();
  const data = 'x'.repeat(100_000);
  const series = await until(async () => {
    await append(
      database.pool,
      Array.from({ length: 10 }, () => ({ org: 'acme', type: 'large', data })),
    );
    const seen = await scrape(url);
    return seen['commitcast_slow_sessions_total'] === 1 && seen;
  });
  expect(series['commitcast_session_state{state="slow"}']).toBe(1);
  reading.resume();
  await client.live(2);
  expect(await scrape(url)).toMatchObject({
    commitcast_slow_sessions_total: 1,
    'commitcast_session_state{state="slow"}': 0,
  });
});

it('counts the messages to connections, and the events in them', async () => {
  const database = await createDatabase();
  const { url } = await startServer(database);
  const clients = await Promise.all([connectClient(url), connectClient(url), connectClient(url)]);
  await Promise.all(clients.map((client) => client.live()));
  await append(
    database.pool,
    Array.from({ length: 5 }, () => ({ org: 'acme', type: 'note', data: null })),
  );
  await until(() => clients.every(({ events }) => events.length === 5));
  const series = await scrape(url);
  expect(series['commitcast_dispatch_batch_events_sum']).toBe(5);
  const [batches = 0, messages = 0] = [
    series['commitcast_dispatch_batch_events_count'],
    series['commitcast_written_messages_total'],
  ];
  // Each batch, or several together, is one message to each.
  expect(messages % 3).toBe(0);
  expect(messages).toBeGreaterThan(0);
  expect(messages).toBeLessThanOrEqual(3 * batches);
});

it('shows how the pools are used: who holds a connection, and who waits for one', async () => {
  const database = await createDatabase();
  const { url } = await startServer(database);
  const blocker = await database.connect();
  await blocker.query('begin; lock table commitcast.membership in access exclusive mode');
  // Statements of the pool, which wait for the lock: nine, and it has eight connections.
  const token = await signToken({ org_id: undefined });
  const asked = Array.from({ length: 9 }, () =>
    fetch(`${url}/v1/cursor`, { headers: { authorization: `Bearer ${token}` } }),
  );
  const busy = 'commitcast_pool_connections{pool="replay",state="busy"}';
  await until(async () => {
    const series = await scrape(url);
    const waiting = series['commitcast_pool_waiting_requests{pool="replay"}'] ?? 0;
    return series[busy] === 8 && waiting >= 1;
  });
  await blocker.query('rollback');
  await Promise.all(asked);
  await until(async () => (await scrape(url))[busy] === 0);
  expect(await scrape(url)).toMatchObject({
    'commitcast_pool_max_connections{pool="replay"}': 8,
    'commitcast_pool_max_connections{pool="dispatcher"}': 1,
    'commitcast_pool_waiting_requests{pool="replay"}': 0,
  });
});
