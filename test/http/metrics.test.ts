import Fastify from 'fastify';
import { register } from 'prom-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { pauseConsumer, resumeConsumer } from '../../src/consumer/operate.ts';
import { commitcast } from '../../src/http/plugin.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { secret, signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { operate } from '../consumer/operated.ts';
import { scrape } from './metrics-scrape.ts';

const of = (name: string, consumer = 'copy', partition = 0) =>
  `commitcast_consumer_${name}{consumer="${consumer}",partition="${partition}"}`;

describe('/metrics', () => {
  it('shows the lag of a consumer, which grows while it is paused and is gone when it has caught up', async () => {
    const { url, database, write, copied, heard } = await operate();
    await write([1]);
    await until(async () => (await copied()).length === 1);
    await pauseConsumer(database.pool, 'copy');
    await heard();
    await write([2]);
    const one = await until(async () => {
      const series = await scrape(url);
      return series[of('lag_positions')] === 1 && series;
    });
    await write([3, 4]);
    const three = await until(async () => {
      const series = await scrape(url);
      return series[of('lag_positions')] === 3 && series;
    });
    expect(three[of('lag_seconds')]).toBeGreaterThan(one[of('lag_seconds')] ?? Infinity);
    expect(three).toMatchObject({
      [of('paused')]: 1,
      [of('failed')]: 0,
      [of('alive')]: 1,
      [of('parked_events')]: 0,
      commitcast_head_position: 4,
      commitcast_database_up: 1,
    });
    await resumeConsumer(database.pool, 'copy');
    await until(async () => {
      const series = await scrape(url);
      return (
        series[of('lag_positions')] === 0 && series[of('lag_seconds')] === 0 && series[of('paused')] === 0
      );
    });
  });

  it('shows partitions that stand still, and what is parked', async () => {
    const { url, write } = await operate({
      maxAttempts: 1,
      onPoison: 'park-org',
      partitions: 2,
      before: ({ data }) => {
        if (data === 1) throw new Error('cannot do 1');
      },
    });
    await write([1, 2]);
    await until(async () => {
      const series = await scrape(url);
      return (
        (series[of('parked_events', 'copy', 0)] ?? 0) + (series[of('parked_events', 'copy', 1)] ?? 0) === 2
      );
    });
    const failing = await operate({
      name: 'stops',
      maxAttempts: 1,
      before: () => {
        throw new Error('cannot do anything');
      },
    });
    await failing.write([1]);
    await until(async () => (await scrape(failing.url))[of('failed', 'stops')] === 1);
  });

  it('shows what the instance delivers, and leaves the registry of the application alone', async () => {
    const { url, write } = await operate();
    const client = await connectClient(url);
    await client.live();
    await write([1, 2]);
    await until(async () => {
      const series = await scrape(url);
      return series['commitcast_dispatched_position'] === 2 && series['commitcast_relay_leading'] === 1;
    });
    expect(await scrape(url)).toMatchObject({
      commitcast_sessions: 1,
      commitcast_dispatch_lag_positions: 0,
      'commitcast_session_state{state="live"}': 1,
      'commitcast_session_state{state="slow"}': 0,
      'commitcast_log_lines_total{level="error"}': 0,
    });
    expect(register.getMetricsAsArray()).toEqual([]);
  });

  it('counts replays by where they came from, and resets by their reason', async () => {
    const { url, write } = await operate();
    await write([1, 2]);
    await until(async () => (await scrape(url))['commitcast_dispatched_position'] === 2);
    const client = await connectClient(url);
    const { cursor } = await client.live();
    await (await connectClient(url, { cursor: cursor.replace(/\d+$/, '0') })).live();
    await (await connectClient(url, { cursor: cursor.replace(/\d+$/, '9') })).live();
    const counts = {
      'commitcast_replays_total{source="memory"}': 1,
      'commitcast_replay_events_total{source="memory"}': 2,
      'commitcast_replays_total{source="log"}': 0,
      'commitcast_resets_total{reason="epoch"}': 1,
      'commitcast_resets_total{reason="expired"}': 0,
    };
    expect(await scrape(url)).toMatchObject(counts);
    // They are counters: a scrape changes nothing.
    expect(await scrape(url)).toMatchObject(counts);
  });

  it('answers without the series of the database when that is gone', async () => {
    const { url, database } = await operate();
    await until(async () => (await scrape(url))[of('alive')] === 1);
    await database.drop();
    await until(async () => (await scrape(url))['commitcast_database_up'] === 0);
    const series = await scrape(url);
    expect(Object.keys(series).filter((name) => name.startsWith('commitcast_consumer'))).toEqual([]);
    expect(series).not.toHaveProperty('commitcast_head_position');
    expect(series).not.toHaveProperty('commitcast_dispatch_lag_positions');
    expect(series).toHaveProperty('commitcast_dispatched_position');
  });

  it('does not wait for a database that hangs, nor ask it again meanwhile', async () => {
    const database = await createDatabase();
    const { url } = await startServer(database);
    const blocker = await database.connect();
    await blocker.query('begin; lock table commitcast.consumer in access exclusive mode');
    const waiting = async () => {
      const { rows } = await database.pool.query<{ pid: number }>(
        `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
           and application_name = 'commitcast'`,
      );
      return rows.map(({ pid }) => pid);
    };
    const first = scrape(url);
    const [pid] = await until(async () => {
      const pids = await waiting();
      return pids.length > 0 && pids;
    });
    expect(await first).toMatchObject({ commitcast_database_up: 0 });
    expect(await Promise.all([scrape(url), scrape(url)])).toMatchObject([
      { commitcast_database_up: 0 },
      { commitcast_database_up: 0 },
    ]);
    expect(await waiting()).toEqual([pid]);
    await blocker.query('rollback');
    await until(async () => (await scrape(url))['commitcast_database_up'] === 1);
  });
});

async function startGuarded() {
  const { app } = await startServer(await createDatabase());
  return async (remoteAddress: string, headers: Record<string, string> = {}) => {
    const response = await app.inject({ url: '/metrics', remoteAddress, headers });
    if (response.statusCode === 200) return 200;
    return [response.statusCode, response.json<{ error: { code: string } }>().error.code];
  };
}

const bearer = async (role?: string) => ({ authorization: `Bearer ${await signToken({ role })}` });
const refused = [403, 'ADMIN_REQUIRED'];

describe('/metrics is for', () => {
  it('whoever asks from this machine', async () => {
    const get = await startGuarded();
    for (const address of ['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1'])
      expect(await get(address)).toBe(200);
  });

  it('tokens of the role admin, from anywhere', async () => {
    const get = await startGuarded();
    expect(await get('10.1.2.3', await bearer('admin'))).toBe(200);
    expect(await get('127.0.0.1', { ...(await bearer('admin')), 'x-forwarded-for': '10.1.2.3' })).toBe(200);
  });

  it('not for a page that has rebound its DNS name to this machine', async () => {
    const get = await startGuarded();
    for (const host of ['evil.example', 'evil.example:3000'])
      expect(await get('127.0.0.1', { host })).toEqual(refused);
    expect(await get('127.0.0.1', { host: 'localhost:3000' })).toBe(200);
  });

  it('nobody else', async () => {
    const get = await startGuarded();
    for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '2001:db8::1'])
      expect(await get(address)).toEqual(refused);
    expect(await get('10.1.2.3', await bearer('member'))).toEqual(refused);
    expect(await get('10.1.2.3', await bearer())).toEqual(refused);
    expect(await get('10.1.2.3', { authorization: 'Bearer nonsense' })).toEqual([401, 'TOKEN_INVALID']);
  });

  it.each(['x-forwarded-for', 'forwarded', 'x-real-ip', 'x-forwarded-host', 'via'])(
    'not for what a proxy on this machine passes on, as %s shows',
    async (header) => {
      const get = await startGuarded();
      expect(await get('127.0.0.1', { [header]: '127.0.0.1' })).toEqual(refused);
    },
  );

  it('not for who claims to be on this machine, where the application trusts a proxy', async () => {
    const { url: databaseUrl } = await createDatabase();
    const app = Fastify({ trustProxy: true });
    onTestFinished(() => app.close());
    await app.register(commitcast, { databaseUrl, jwt: { secret }, adapter: 'memory', localOperator: true });
    const headers = { 'x-forwarded-for': '127.0.0.1' };
    const { statusCode } = await app.inject({ url: '/metrics', remoteAddress: '10.1.2.3', headers });
    expect(statusCode).toBe(403);
  });
});
