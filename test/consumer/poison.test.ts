import { beforeEach, expect, it } from 'vitest';
import type { CommitcastEvent } from '../../src/core/event.ts';
import { resumeConsumer } from '../../src/consumer/operate.ts';
import type { Executor } from '../../src/db/executor.ts';
import { append } from '../../src/log/append.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import {
  createLedger,
  dataOf,
  expectExactlyOnce,
  linesOf,
  parkedOf,
  partitionsOf,
  untilThrough,
  writeLines,
} from './ledger.ts';

const name = 'copy';
let database: TestDatabase;
let server: TestServer;
/** Data of the events that the handler cannot handle. */
let poison: Set<unknown>;
let attempts: unknown[];

beforeEach(async () => {
  database = await createDatabase();
  await createLedger(database.pool);
  server = await startServer(database);
  poison = new Set();
  attempts = [];
});

async function handle(tx: Executor, events: CommitcastEvent[]): Promise<void> {
  for (const event of events) {
    await writeLines(tx, name, [event]);
    if (!poison.has(event.data)) continue;
    attempts.push(event.data);
    throw new Error(`cannot handle ${String(event.data)}`);
  }
}

const event = (data: number, org = 'acme', stream?: string) => ({
  org,
  type: 'note',
  data,
  ...(stream && { stream }),
});

it('stop: stands still with the error before the event that fails, and goes on when it is resumed', async () => {
  poison.add(3);
  await append(database.pool, [event(1), event(2), event(3), event(4)]);
  const consumer = server.app.commitcast.consume({ name, maxAttempts: 2 }, handle);
  const stands = async () => (await partitionsOf(database.pool, name))[0]?.failed;
  await until(stands);
  expect(await partitionsOf(database.pool, name)).toEqual([
    { partition: 0, position: 2, attempts: 2, error: 'Error: cannot handle 3', failed: true },
  ]);
  await until(() => consumer.status[0]?.failed);
  expect(consumer.status).toEqual([
    { partition: 0, position: 2, failed: true, error: 'Error: cannot handle 3' },
  ]);
  expect(await dataOf(database.pool, name)).toEqual([1, 2]);
  // With the page, and then alone.
  expect(attempts).toEqual([3, 3, 3]);

  // Resumed too early: it tries again, and stands still again.
  await resumeConsumer(database.pool, name);
  await until(() => attempts.length === 5);
  await until(stands);
  poison.clear();
  await resumeConsumer(database.pool, name);
  await append(database.pool, event(5));
  await expectExactlyOnce(database.pool, name);
  expect(await partitionsOf(database.pool, name)).toEqual([
    { partition: 0, position: 5, attempts: 0, error: null, failed: false },
  ]);
});

it('stop: stands still for one partition, and for no other', async () => {
  const orgs = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  poison.add(0);
  await append(
    database.pool,
    orgs.map((org, n) => event(n, org)),
  );
  server.app.commitcast.consume({ name, partitions: 4, maxAttempts: 1 }, handle);
  await until(async () => (await partitionsOf(database.pool, name)).some(({ failed }) => failed));
  await append(
    database.pool,
    orgs.map((org, n) => event(n + 10, org)),
  );
  const standing = (await partitionsOf(database.pool, name)).find(({ failed }) => failed);
  await until(async () =>
    (await partitionsOf(database.pool, name)).every(
      ({ partition, position }) => partition === standing?.partition || position === 16,
    ),
  );
  poison.clear();
  await resumeConsumer(database.pool, name);
  await expectExactlyOnce(database.pool, name);
});

it('park-org: parks the event with its error, and what follows it in its org; other orgs go on', async () => {
  poison.add(2);
  await append(database.pool, [event(1), event(10, 'rival'), event(2), event(3), event(20, 'rival')]);
  server.app.commitcast.consume({ name, maxAttempts: 2, onPoison: 'park-org' }, handle);
  await append(database.pool, [event(4), event(30, 'rival'), event(40, 'third')]);
  await untilThrough(database.pool, name);
  expect(await dataOf(database.pool, name)).toEqual([1, 10, 20, 30, 40]);
  expect(await parkedOf(database.pool, name)).toEqual([
    { position: 3, lane: 'acme', error: 'Error: cannot handle 2', attempts: 2, asked: null },
    { position: 4, lane: 'acme', error: null, attempts: 0, asked: null },
    { position: 6, lane: 'acme', error: null, attempts: 0, asked: null },
  ]);
  // The page, then twice alone.
  expect(attempts).toEqual([2, 2, 2]);
});

it('park-stream: what follows in another stream of the org, or in none, does not wait', async () => {
  poison.add(1).add(100);
  await append(database.pool, [
    event(1, 'acme', 's1'),
    event(2, 'acme', 's2'),
    event(3, 'acme'),
    event(4, 'acme', 's1'),
    event(5, 'rival', 's1'),
    // Those without a stream are one lane of their org.
    event(100, 'acme'),
    event(101, 'acme'),
    event(6, 'acme', 's2'),
    event(102, 'rival'),
  ]);
  server.app.commitcast.consume({ name, maxAttempts: 1, onPoison: 'park-stream' }, handle);
  await untilThrough(database.pool, name);
  expect(await dataOf(database.pool, name)).toEqual([2, 3, 5, 6, 102]);
  expect((await parkedOf(database.pool, name)).map(({ position, lane }) => [position, lane])).toEqual([
    [1, 'acme/s1'],
    [4, 'acme/s1'],
    [6, 'acme/'],
    [7, 'acme/'],
  ]);
});

it('handles the others of a batch with a poison event once, and in order', async () => {
  poison.add(50);
  await append(
    database.pool,
    Array.from({ length: 100 }, (_, n) => event(n, `org-${n % 7}`)),
  );
  server.app.commitcast.consume({ name, maxAttempts: 2, onPoison: 'park-org' }, handle);
  await untilThrough(database.pool, name);
  const lines = await linesOf(database.pool, name);
  expect(lines.map(({ data }) => data)).toEqual(
    Array.from({ length: 100 }, (_, n) => n).filter((n) => n < 50 || n % 7 !== 50 % 7),
  );
});

it('handles events that succeed at a later attempt, and begins to count anew for the next', async () => {
  const left = new Map([
    // With the page, and twice alone.
    [2, 3],
    [3, 2],
  ]);
  await append(database.pool, [event(1), event(2), event(3), event(4)]);
  server.app.commitcast.consume({ name, maxAttempts: 3, onPoison: 'park-org' }, async (tx, events) => {
    for (const { data } of events) {
      const times = left.get(data as number) ?? 0;
      left.set(data as number, times - 1);
      if (times > 0) throw new Error('not yet');
    }
    await writeLines(tx, name, events);
  });
  await expectExactlyOnce(database.pool, name);
  const [partition] = await partitionsOf(database.pool, name);
  expect(partition).toMatchObject({ attempts: 0, error: null, failed: false });
});

it('parks an event with which the handler does nothing for so long that the server ends its connection', async () => {
  await append(database.pool, [event(1), event(2), event(3, 'rival')]);
  const options = { name, maxAttempts: 1, idleTimeoutMs: 1_000, onPoison: 'park-org' as const };
  server.app.commitcast.consume(options, async (tx, events, { signal }) => {
    await writeLines(tx, name, events);
    if (!events.some(({ data }) => data === 2)) return;
    const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
    await until(async () => {
      const found = await database.pool.query('select from pg_stat_activity where pid = $1', [rows[0]?.pid]);
      return signal.aborted || found.rowCount === 0;
    });
  });
  await untilThrough(database.pool, name);
  expect(await dataOf(database.pool, name)).toEqual([1, 3]);
  expect(await parkedOf(database.pool, name)).toMatchObject([{ position: 2, attempts: 1 }]);
});

it('does not blame an event for deadlocks', async () => {
  await database.pool.query(
    'create table busy (id int primary key, n int); insert into busy values (1, 0), (2, 0)',
  );
  const other = await database.connect();
  let deadlocks = 0;
  await append(database.pool, event(1));
  server.app.commitcast.consume({ name, maxAttempts: 1, onPoison: 'park-org' }, async (tx, events) => {
    await writeLines(tx, name, events);
    if (deadlocks === 3) return;
    await other.query(`begin; set local deadlock_timeout = '1min'; update busy set n = n + 1 where id = 1`);
    await tx.query(`set local deadlock_timeout = '10ms'`);
    await tx.query('update busy set n = n + 1 where id = 2');
    const waiting = other.query('update busy set n = n + 1 where id = 2');
    try {
      await until(async () => {
        const { rows } = await database.pool.query('select from pg_locks where not granted');
        return rows.length > 0;
      });
      await tx.query('update busy set n = n + 1 where id = 1');
    } catch (error) {
      deadlocks += 1;
      await tx.query('rollback').catch(() => undefined);
      throw error;
    } finally {
      await waiting;
      await other.query('commit');
    }
  });
  await expectExactlyOnce(database.pool, name);
  expect(deadlocks).toBe(3);
  expect(await parkedOf(database.pool, name)).toEqual([]);
});
