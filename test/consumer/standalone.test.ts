import { drizzle } from 'drizzle-orm/node-postgres';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { PoolClient } from 'pg';
import type { TransactionalDatabase } from '../../src/consumer/database.ts';
import { inPoolTransaction } from '../../src/consumer/database.ts';
import { consume, createWorker } from '../../src/http/worker.ts';
import { append } from '../../src/log/append.ts';
import { executorOf } from '../../src/log/transaction.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { watchLeaks } from '../support/leaks.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { createLedger, dataOf, expectExactlyOnce, writeLines } from './ledger.ts';

const name = 'copy';
let database: TestDatabase;
let expectNoLeaks: () => Promise<void>;

beforeEach(async () => {
  database = await createDatabase();
  await createLedger(database.pool);
  expectNoLeaks = await watchLeaks(database);
});

afterEach(() => expectNoLeaks());

const event = (data: number) => ({ org: 'acme', type: 'note', data });

/** Signs of life of the consumer, one a second. */
async function heartbeats(): Promise<() => Promise<number>> {
  let last: string | undefined;
  let beats = 0;
  const look = async () => {
    const { rows } = await database.pool.query<{ seen: string }>(
      'select max(seen_at)::text as seen from commitcast.consumer_worker where name = $1',
      [name],
    );
    if (rows[0]?.seen !== last) beats += 1;
    last = rows[0]?.seen;
    return beats - 1;
  };
  await look();
  return look;
}

it('works beside an instance: woken by its doorbells, asking for nothing while nothing is new', async () => {
  const server = await startServer(database, { adapter: 'postgres' });
  let transactions = 0;
  const db: TransactionalDatabase<PoolClient> = {
    transaction(work) {
      transactions += 1;
      return inPoolTransaction(database.pool, work);
    },
  };
  const worker = createWorker({ databaseUrl: database.url });
  worker.consume({ name, db }, (tx, events) => writeLines(tx, name, events));
  await worker.start();
  await append(database.pool, event(0));
  await until(async () => (await dataOf(database.pool, name)).length === 1);

  // Looking by itself, it would need one to two of its heartbeats for each.
  const beats = await heartbeats();
  for (let n = 1; n <= 20; n++) {
    await append(database.pool, event(n));
    await until(async () => (await dataOf(database.pool, name)).length === n + 1);
    await beats();
  }
  expect(await beats()).toBeLessThan(20);

  const before = transactions;
  const idle = await heartbeats();
  await until(async () => (await idle()) >= 3);
  expect(transactions).toBe(before);
  await expectExactlyOnce(database.pool, name);
  await worker.stop();
  await server.close();
});

it('consume: one consumer, on the pool of a drizzle database, without an instance', async () => {
  const db = drizzle(database.pool);
  await append(database.pool, event(1));
  const consumer = await consume({ name, db }, (tx, events) => writeLines(executorOf(tx), name, events));
  await expectExactlyOnce(database.pool, name);
  // Nobody rings: it looks by itself.
  await append(database.pool, event(2));
  await expectExactlyOnce(database.pool, name);
  expect(consumer).toMatchObject({ name, status: [{ partition: 0, position: 2, failed: false }] });
  await consumer.stop();
});

it('is refused, and leaves nothing open, when the consumer has another number of partitions: CONSUMER_CHANGED', async () => {
  const first = await consume({ name, databaseUrl: database.url, partitions: 2 }, () => undefined);
  await first.stop();
  await expect(
    consume({ name, databaseUrl: database.url, partitions: 3 }, () => undefined),
  ).rejects.toMatchObject({
    code: 'CONSUMER_CHANGED',
  });
});

it('stop waits for the handler in flight, whose work is committed; it is told, and nothing comes after it', async () => {
  const consumer = await consume(
    { name, databaseUrl: database.url, batch: 1 },
    async (tx, events, { signal }) => {
      await writeLines(tx, name, events);
      await until(() => signal.aborted);
    },
  );
  await append(database.pool, [event(1), event(2)]);
  await until(
    async () =>
      (
        await database.pool.query(
          `select from pg_stat_activity where state = 'idle in transaction' and datname = current_database()`,
        )
      ).rowCount,
  );
  expect(await dataOf(database.pool, name)).toEqual([]);
  await Promise.all([consumer.stop(), consumer.stop()]);
  expect(await dataOf(database.pool, name)).toEqual([1]);
  const { rows } = await database.pool.query('select worker from commitcast.consumer_lease');
  expect(rows).toEqual([{ worker: null }]);
});
