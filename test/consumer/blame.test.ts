import { connect, createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { Pool } from 'pg';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { inTransaction } from '../../src/consumer/database.ts';
import { CommitcastError } from '../../src/core/errors.ts';
import type { CommitcastEvent } from '../../src/core/event.ts';
import type { Executor } from '../../src/db/executor.ts';
import type { Transaction } from '../../src/log/transaction.ts';
import { append } from '../../src/log/append.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { createLedger, dataOf, expectExactlyOnce, parkedOf, partitionsOf, writeLines } from './ledger.ts';

const name = 'copy';
const options = { name, maxAttempts: 2, onPoison: 'park-org' } as const;
let database: TestDatabase;

beforeEach(async () => {
  database = await createDatabase();
  await createLedger(database.pool);
});

const event = (data: number, org = 'acme') => ({ org, type: 'note', data });

/** An address of this machine that nobody listens at. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const failures: Record<string, { fail: () => Promise<unknown>; error: string }> = {
  'an error of ours that it has met itself': {
    fail: () => Promise.reject(new CommitcastError('HISTORY_EXPIRED', 'version 1 of s is no longer kept')),
    error: 'version 1 of s is no longer kept',
  },
  'a fetch that is refused': {
    fail: async () => fetch(`http://127.0.0.1:${await closedPort()}/`),
    error: 'ECONNREFUSED',
  },
  'a connection elsewhere that is refused': {
    fail: async () => once(connect(await closedPort(), '127.0.0.1'), 'connect'),
    error: 'ECONNREFUSED',
  },
  'a host that is not known': {
    fail: () =>
      Promise.reject(Object.assign(new Error('getaddrinfo ENOTFOUND mail.invalid'), { code: 'ENOTFOUND' })),
    error: 'ENOTFOUND',
  },
};

it.for(Object.keys(failures))('a handler is to blame for %s; other orgs go on', async (kind) => {
  const { fail, error } = failures[kind] as (typeof failures)[string];
  const server = await startServer(database);
  await append(database.pool, [event(1), event(2), event(3), event(10, 'rival')]);
  server.app.commitcast.consume(options, async (tx, events) => {
    await writeLines(tx, name, events);
    if (events.some(({ data }) => data === 2)) await fail();
  });
  await until(async () => (await dataOf(database.pool, name)).includes(10));
  await append(database.pool, event(11, 'rival'));
  await until(async () => (await dataOf(database.pool, name)).includes(11));
  expect(await dataOf(database.pool, name)).toEqual([1, 10, 11]);
  const parked = await parkedOf(database.pool, name);
  expect(parked).toMatchObject([
    { position: 2, attempts: 2 },
    { position: 3, attempts: 0, error: null },
  ]);
  expect(parked[0]?.error).toMatch(error);
  expect(await partitionsOf(database.pool, name)).toMatchObject([{ failed: false, attempts: 0 }]);
});

it('a handler that stops at what it is to blame for stands still with that error', async () => {
  const server = await startServer(database);
  await append(database.pool, [event(1), event(2)]);
  let calls = 0;
  server.app.commitcast.consume({ name, maxAttempts: 2 }, () => {
    calls += 1;
    throw new CommitcastError('HISTORY_EXPIRED', 'version 1 of s is no longer kept');
  });
  await until(async () => (await partitionsOf(database.pool, name))[0]?.failed);
  // The page, and then each attempt at the first event.
  expect(calls).toBe(3);
  expect(await partitionsOf(database.pool, name)).toMatchObject([
    { position: 0, attempts: 2, error: 'CommitcastError: version 1 of s is no longer kept' },
  ]);
});

let refusal: Error | undefined;

const outages: Record<string, { cause: (role: string) => Promise<() => Promise<unknown>>; error: string }> = {
  'a server that has no connection left': {
    async cause(role) {
      await database.pool.query(`alter role "${role}" connection limit 0`);
      return () => database.pool.query(`alter role "${role}" connection limit 5`);
    },
    error: 'too many connections',
  },
  'a pool that refuses': {
    cause() {
      refusal = new Error('no connection is free');
      return Promise.resolve(() => Promise.resolve((refusal = undefined)));
    },
    error: 'no connection is free',
  },
};

it.for(Object.keys(outages))('%s costs no attempt of what may have ended the last worker', async (kind) => {
  const { cause, error } = outages[kind] as (typeof outages)[string];
  const server = await startServer(database);
  const url = await database.urlAsMemberOf('commitcast_consumer');
  const role = new URL(url).username;
  // Where the tables of the test are: a schema of the user's name comes first in a search path.
  const { rows } = await database.pool.query<{ schema: string }>('select current_schema as schema');
  await database.pool.query(
    `grant all on line to "${role}"; alter role "${role}" set search_path = ${rows[0]?.schema}`,
  );
  const pool = new Pool({ connectionString: url });
  pool.on('error', () => undefined);
  onTestFinished(() => pool.end());
  let tries = 0;
  const db = {
    transaction(work: (tx: Executor & Transaction) => Promise<void>) {
      tries += 1;
      if (refusal) return Promise.reject(refusal);
      return inTransaction<Executor>(pool, work);
    },
  };
  const handler = (tx: Executor, events: CommitcastEvent[]) => writeLines(tx, name, events);
  const first = server.app.commitcast.consume({ ...options, db }, handler);
  await append(database.pool, event(1));
  await expectExactlyOnce(database.pool, name);
  await first.stop();
  await append(database.pool, [event(2), event(3)]);
  // As after a worker that died.
  await database.pool.query('update commitcast.consumer_partition set suspect = true');
  const end = await cause(role);
  await database.pool.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [
    role,
  ]);
  tries = 0;
  server.app.commitcast.consume({ ...options, db }, handler);
  await until(() => tries > options.maxAttempts + 1);
  const [partition] = await partitionsOf(database.pool, name);
  expect(partition?.error).toMatch(error);
  await end();
  await expectExactlyOnce(database.pool, name);
  expect(await parkedOf(database.pool, name)).toEqual([]);
  expect(await partitionsOf(database.pool, name)).toMatchObject([{ attempts: 0, error: null }]);
});
