import { describe, expect, it } from 'vitest';
import { startJwksServer } from '../gateway/jwks-server.ts';
import { operate } from '../consumer/operated.ts';
import { createDatabase } from '../support/database.ts';
import { startRedisServer } from '../support/redis-server.ts';
import { startServer } from '../support/server.ts';
import { createSigningKeys } from '../support/tokens.ts';
import { describeWithTool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { createServedDatabase, examineAt } from './examined.ts';

describe('the keys that verify tokens', () => {
  it('are fetched as an instance does: reached, out of reach, and something else', async () => {
    const { url } = await createServedDatabase();
    const { jwk } = await createSigningKeys('ES256');
    const jwks = await startJwksServer(jwk);
    const jwtJwksUrl = `${jwks.url}?tenant=secret`;
    expect((await examineAt(url, { jwtJwksUrl })).problems).toEqual([]);

    jwks.keys = [];
    const empty = await examineAt(url, { jwtJwksUrl });
    expect(empty.problems).toEqual(['JWKS_INVALID']);
    expect(empty.finding('JWKS_INVALID').remedy).toContain('jwks_uri');

    jwks.failure = { status: 200, body: '<html>' };
    expect((await examineAt(url, { jwtJwksUrl })).problems).toEqual(['JWKS_INVALID']);

    jwks.failure = { status: 503, body: '' };
    const failing = await examineAt(url, { jwtJwksUrl });
    expect(failing.problems).toEqual(['JWKS_UNREACHABLE']);
    expect(failing.finding('JWKS_UNREACHABLE').seen).toBe(`${jwks.url}: status 503.`);

    await jwks.close();
    const gone = await examineAt(url, { jwtJwksUrl });
    expect(gone.problems).toEqual(['JWKS_UNREACHABLE']);
    expect(gone.finding('JWKS_UNREACHABLE').seen).toBe(`${jwks.url}: ECONNREFUSED.`);
  });
});

describeWithTool('redis-server', 'Redis', () => {
  it('is reached, wants a password that nobody has, or is gone', async () => {
    const { url } = await createServedDatabase();
    const redis = await startRedisServer('--requirepass', 'hidden');
    const withPassword = redis.url.replace('redis://', 'redis://:hidden@');
    expect((await examineAt(url, { redisUrl: withPassword })).problems).toEqual([]);

    const refused = await examineAt(url, { redisUrl: redis.url });
    expect(refused.problems).toEqual(['REDIS_UNREACHABLE']);
    expect(refused.finding('REDIS_UNREACHABLE').seen).toContain('NOAUTH');

    await redis.kill();
    const gone = await examineAt(url, { redisUrl: withPassword });
    expect(gone.problems).toEqual(['REDIS_UNREACHABLE']);
    const { seen, remedy } = gone.finding('REDIS_UNREACHABLE');
    expect(seen).toMatch(/^127\.0\.0\.1:\d+: /);
    expect(seen + remedy).not.toContain('hidden');
    // Named, and not used.
    expect((await examineAt(url, { redisUrl: withPassword, adapter: 'postgres' })).problems).toEqual([]);
  });
});

describe('instances', () => {
  it('that cannot hear each other are named with their adapters', async () => {
    const database = await createServedDatabase();
    await startServer(database, { adapter: 'postgres' });
    const examined = await until(async () => {
      const seen = await examineAt(database.url);
      return seen.problems.length > 0 && seen;
    });
    expect(examined.problems).toEqual(['ADAPTERS_APART']);
    const { seen, remedy } = examined.finding('ADAPTERS_APART');
    expect(seen).toMatch(/^serve on .+ \(\d+\) uses memory; serve on .+ \(\d+\) uses postgres\.$/);
    expect(remedy).toContain('COMMITCAST_ADAPTER');
  });

  it('that have gone without a word are named, until they are forgotten', async () => {
    const database = await createServedDatabase();
    await database.pool.query(
      `insert into commitcast.instance (id, kind, host, pid, version, started_at, seen_at, status)
       values (gen_random_uuid(), 'serve', 'rack-7', 4711, '0.1.0', now() - interval '1 hour',
         clock_timestamp() - interval '20 s', '{"adapter": {"name": "memory", "state": "ok"}}')`,
    );
    const examined = await examineAt(database.url);
    expect(examined.problems).toEqual(['INSTANCE_SILENT']);
    expect(examined.finding('INSTANCE_SILENT').seen).toMatch(
      /^serve on rack-7 \(4711\) has said nothing for 2\d s\.$/,
    );
  });

  it('that do not reach their adapter are named', async () => {
    const database = await createDatabase();
    await database.pool.query(
      `update commitcast.relay set leader = 'rack-7', updated_at = clock_timestamp();
       insert into commitcast.instance (id, kind, host, pid, version, started_at, seen_at, status)
       values (gen_random_uuid(), 'serve', 'rack-7', 4711, '0.1.0', now(), clock_timestamp(),
         '{"adapter": {"name": "redis", "state": "unreachable"}}')`,
    );
    const examined = await examineAt(database.url);
    expect(examined.problems).toEqual(['ADAPTER_UNREACHABLE']);
    expect(examined.finding('ADAPTER_UNREACHABLE').seen).toBe(
      'serve on rack-7 (4711) does not reach its adapter, "redis".',
    );
  });
});

describe('consumers', () => {
  it('that nobody runs, that stand still, and that have put events aside', async () => {
    const { database, consumer, write, partition } = await operate();
    await write([1]);
    await until(async () => (await partition()).position === 1);
    expect((await examineAt(database.url)).problems).toEqual([]);
    await consumer.stop();
    const idle = await until(async () => {
      const seen = await examineAt(database.url);
      return seen.problems.length > 0 && seen;
    });
    expect(idle.problems).toEqual(['CONSUMER_WITHOUT_WORKER']);
    expect(idle.finding('CONSUMER_WITHOUT_WORKER').remedy).toContain('commitcast consumers remove copy');

    await database.pool.query('update commitcast.consumer_partition set failed = true, attempts = 5');
    const failed = await examineAt(database.url);
    expect(failed.problems).toEqual(['CONSUMER_FAILED']);
    const { seen, remedy } = failed.finding('CONSUMER_FAILED');
    expect(seen).toBe('"copy" stands still after position 1: 5 attempts at the next event have failed.');
    expect(remedy).toContain('commitcast consumers resume copy');

    await database.pool.query(
      `update commitcast.consumer_partition set failed = false, attempts = 0;
       update commitcast.consumer set paused = true;
       insert into commitcast.parked (name, partition, position, org_id, lane, error)
       values ('copy', 0, 1, 'acme', 'acme', 'Error: no')`,
    );
    const parked = await examineAt(database.url);
    expect(parked.problems).toEqual(['EVENTS_PARKED']);
    expect(parked.finding('EVENTS_PARKED').seen).toBe('"copy" has put 1 events aside.');
  });
});
