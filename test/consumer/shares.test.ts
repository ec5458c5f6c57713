import type { PoolClient } from 'pg';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import type { CommitcastEvent } from '../../src/core/event.ts';
import { createWorker, type Worker } from '../../src/http/worker.ts';
import { append } from '../../src/log/append.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { createLedger, expectExactlyOnce, writeLines } from './ledger.ts';

const name = 'copy';
let database: TestDatabase;

beforeEach(async () => {
  database = await createDatabase();
  await createLedger(database.pool);
});

type Handle = (tx: PoolClient, events: CommitcastEvent[]) => Promise<void>;

async function start(partitions: number, handle: Handle = (tx, events) => writeLines(tx, name, events)) {
  const worker: Worker = createWorker({ databaseUrl: database.url });
  const consumer = worker.consume({ name, partitions }, handle);
  onTestFinished(() => worker.stop());
  await worker.start();
  return { held: () => consumer.status.map(({ partition }) => partition), stop: () => worker.stop() };
}

type Started = Awaited<ReturnType<typeof start>>;

/** Every partition is somebody's, nobody's twice, and so many each. */
const untilShared = (workers: readonly Started[], sizes: readonly number[]) =>
  until(
    () => {
      const held = workers.map((worker) => worker.held());
      const all = held.flat().toSorted((a, b) => a - b);
      const expected = Array.from({ length: sizes.reduce((sum, size) => sum + size, 0) }, (_, n) => n);
      if (String(all) !== String(expected)) throw new Error(JSON.stringify(held));
      if (String(held.map((own) => own.length).toSorted((a, b) => a - b)) !== String(sizes))
        throw new Error(JSON.stringify(held));
      return true;
    },
    { timeoutMs: 15_000 },
  );

it('shares partitions out fairly among those who come, and takes back those of one that leaves', async () => {
  await startServer(database, { adapter: 'postgres' });
  const first = await start(4);
  await untilShared([first], [4]);
  const second = await start(4);
  await untilShared([first, second], [2, 2]);
  const third = await start(4);
  await untilShared([first, second, third], [1, 1, 2]);
  await append(
    database.pool,
    Array.from({ length: 40 }, (_, n) => ({ org: `org-${n}`, type: 'note', data: n })),
  );
  await expectExactlyOnce(database.pool, name);
  await second.stop();
  // Sooner than a lease ends: nobody has died.
  const { rows } = await database.pool.query(
    'select partition from commitcast.consumer_lease where worker is not null and expires_at < clock_timestamp()',
  );
  expect(rows).toEqual([]);
  await untilShared([first, third], [2, 2]);
  const { rows: suspects } = await database.pool.query(
    'select from commitcast.consumer_partition where suspect',
  );
  expect(suspects).toEqual([]);
});

it('runs one handler at a time per partition, while workers come and go', async () => {
  await startServer(database, { adapter: 'postgres' });
  let contended = 0;
  const handle: Handle = async (tx, events) => {
    // All events of a page are of one partition: an org has its place in it.
    const { rows } = await tx.query<{ free: boolean }>(
      `select pg_try_advisory_xact_lock(7, (('x' || substr(md5($1), 1, 8))::bit(32)::bigint % 3)::int) as free`,
      [events[0]?.org],
    );
    if (!rows[0]?.free) contended += 1;
    await writeLines(tx, name, events);
  };
  const first = await start(3, handle);
  const over = new AbortController();
  const writing = (async () => {
    for (let n = 0; !over.signal.aborted; n++)
      await append(database.pool, { org: `org-${n % 20}`, type: 'note', data: n });
  })();
  const second = await start(3, handle);
  await untilShared([first, second], [1, 2]);
  await first.stop();
  await untilShared([second], [3]);
  const third = await start(3, handle);
  await untilShared([second, third], [1, 2]);
  over.abort();
  await writing;
  await expectExactlyOnce(database.pool, name);
  expect(contended).toBe(0);
});
