import { onTestFinished } from 'vitest';
import type { AdapterName } from '../../src/fanout/attach-adapter.ts';
import type { CommitcastOptions } from '../../src/http/plugin.ts';
import { connectClient, type TestClient } from '../support/client.ts';
import type { TestDatabase } from '../support/database.ts';
import { watchLeaks } from '../support/leaks.ts';
import { startRedisServer } from '../support/redis-server.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';

/** `false`: it serves one instance alone. What another one tells, it finds in the log, some seconds later. */
export const crosses: Record<AdapterName, boolean> = { postgres: true, redis: true, memory: false };

/** What carries an adapter's messages, in the hands of a test. */
export interface Carrier {
  options: CommitcastOptions;
  /** From now on nothing arrives, until it is mended. */
  break(): Promise<void>;
  mend(): Promise<void>;
}

/** Its connections are ended as fast as they come back. */
async function preparePostgres(database: TestDatabase): Promise<Carrier> {
  const mended = new AbortController();
  let ending = Promise.resolve();
  const end = async () => {
    while (!mended.signal.aborted) {
      await database.pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name like 'commitcast-adapter%'`,
      );
    }
  };
  const mend = async () => {
    mended.abort();
    await ending;
  };
  onTestFinished(mend);
  return {
    options: { adapter: 'postgres' },
    break() {
      ending = end();
      return Promise.resolve();
    },
    mend,
  };
}

async function prepareRedis(): Promise<Carrier> {
  const server = await startRedisServer();
  return {
    options: { adapter: 'redis', redisUrl: server.url },
    break: () => server.kill(),
    mend: () => server.start(),
  };
}

const prepare: Record<AdapterName, (database: TestDatabase) => Promise<Carrier>> = {
  postgres: preparePostgres,
  redis: prepareRedis,
  memory: () =>
    Promise.resolve({
      options: { adapter: 'memory' },
      break: () => Promise.resolve(),
      mend: () => Promise.resolve(),
    }),
};

export interface Cluster {
  carrier: Carrier;
  leader: TestServer;
  /** Without a relay: it has nothing but what the leader's doorbells, and the log, tell it. */
  follower: TestServer;
  /** One at each. */
  clients: [TestClient, TestClient];
  expectNoLeaks: () => Promise<void>;
}

/** Two instances that hear each other, with a client at each. */
export async function startCluster(database: TestDatabase, name: AdapterName): Promise<Cluster> {
  const carrier = await prepare[name](database);
  const expectNoLeaks = await watchLeaks(database);
  const leader = await startServer(database, carrier.options);
  const follower = await startServer(database, { ...carrier.options, relay: false });
  await until(() => leader.app.commitcast.relay()?.leading);
  const clients: Cluster['clients'] = [await connectClient(leader.url), await connectClient(follower.url)];
  await Promise.all(clients.map((client) => client.live()));
  if (crosses[name]) await untilConnected(leader, follower);
  return { carrier, leader, follower, clients, expectNoLeaks };
}

/** Until a message crosses, in each direction. */
export async function untilConnected(one: TestServer, other: TestServer): Promise<void> {
  const [io, otherIo] = [one.app.commitcast.io, other.app.commitcast.io];
  let heard = { there: false, back: false };
  const there = () => (heard = { ...heard, there: true });
  const back = () => (heard = { ...heard, back: true });
  otherIo.on('test:hello', there);
  io.on('test:hello', back);
  await until(
    () => {
      io.serverSideEmit('test:hello');
      otherIo.serverSideEmit('test:hello');
      return heard.there && heard.back;
    },
    { message: 'the instances to hear each other' },
  );
  otherIo.off('test:hello', there);
  io.off('test:hello', back);
}
