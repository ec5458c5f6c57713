import { describe, expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { makeFolder, runCli, startCli, type CliProcess } from '../support/cli.ts';
import { connectClient, type TestClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startRedisServer } from '../support/redis-server.ts';
import { startServer } from '../support/server.ts';
import { describeWithTool } from '../support/tools.ts';
import { until } from '../support/until.ts';

const cwd = '/';
const leads = (relay: CliProcess) => relay.stdout().includes('this relay leads');

describe('a relay in a process of its own', async () => {
  const database = await createDatabase();

  const startRelay = (env: Record<string, string> = {}) =>
    startCli(['relay'], { cwd, env: { DATABASE_URL: database.url, ...env } });

  /** An instance that never leads, and somebody who listens at it. */
  async function connectThere(redisUrl?: string): Promise<TestClient> {
    const adapter = redisUrl === undefined ? 'postgres' : 'redis';
    const { url } = await startServer(database, { adapter, redisUrl, relay: false });
    const client = await connectClient(url);
    await client.live();
    return client;
  }

  /** One event after the other: how long until the last one is there. */
  async function timeEvents(client: TestClient, amount: number): Promise<number> {
    const begin = performance.now();
    for (let n = 0; n < amount; n += 1) {
      const seen = client.events.length;
      await append(database.pool, { org: 'acme', type: 'step', data: n });
      await until(() => client.events.length > seen);
    }
    return performance.now() - begin;
  }

  it('rings an instance that has none, and saves how far it came when it stops', async () => {
    const relay = startRelay();
    await until(() => leads(relay));
    const client = await connectThere();
    // Alone, the instance looks each 2.5 s: ten events, one after the other, would take 25 s.
    expect(await timeEvents(client, 10)).toBeLessThan(12_000);
    expect(client.events.map(({ data }) => data)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);

    relay.child.kill('SIGTERM');
    expect(await relay.ended).toBe(0);
    expect(relay.stderr()).toBe('');
    const { rows } = await database.pool.query<{ published: string }>(
      'select published from commitcast.relay',
    );
    expect(rows).toEqual([{ published: String(client.positions.at(-1)) }]);
  });

  it('is replaced by another one when it is killed', async () => {
    const first = startRelay();
    await until(() => leads(first));
    const second = startRelay();
    const client = await connectThere();
    await timeEvents(client, 1);
    expect(leads(second)).toBe(false);

    first.child.kill('SIGKILL');
    await until(() => leads(second));
    expect(await timeEvents(client, 10)).toBeLessThan(12_000);
    expect(client.events).toHaveLength(11);
    second.child.kill('SIGINT');
    expect(await second.ended).toBe(0);
  });

  describeWithTool('redis-server', 'over Redis', () => {
    it('rings the instances through the Redis that is named', async () => {
      const redis = await startRedisServer();
      const relay = startRelay({ REDIS_URL: redis.url });
      await until(() => leads(relay));
      const client = await connectThere(redis.url);
      expect(await timeEvents(client, 10)).toBeLessThan(12_000);
      expect(relay.stdout()).toContain('"adapter":"redis"');
      relay.child.kill('SIGTERM');
      expect(await relay.ended).toBe(0);
    });
  });

  it('migrates an empty database, unless it is told not to', async () => {
    await database.pool.query('drop schema commitcast cascade');
    const env = { DATABASE_URL: database.url };
    const refused = await runCli(['relay'], { cwd, env: { ...env, COMMITCAST_MIGRATE: 'off' } });
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('SCHEMA_MISSING: ') as string });
    const relay = startRelay();
    await until(() => leads(relay));
    relay.child.kill('SIGTERM');
    expect(await relay.ended).toBe(0);
  });
});

it.each<[string, Record<string, string>, string]>([
  ['without a database', {}, 'DATABASE_REQUIRED'],
  [
    'over the adapter that nobody else hears',
    { DATABASE_URL: 'postgres://localhost/x', COMMITCAST_ADAPTER: 'memory' },
    'CONFIG_INVALID',
  ],
  ['with a database that is not there', { DATABASE_URL: 'postgres://u@127.0.0.1:1/x' }, 'UNAVAILABLE'],
])('a relay %s is refused with its code', async (_case, env, code) => {
  const result = await runCli(['relay'], { cwd: await makeFolder(), env });
  expect(result.stderr).toMatch(new RegExp(`^${code}: `, 'm'));
  expect(result.code).toBe(1);
});
