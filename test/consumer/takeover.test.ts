import { beforeEach, expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { createLedger, expectExactlyOnce, linesOf, writeLines } from './ledger.ts';
import { startWorker } from './start-worker.ts';

const name = 'copy';
const key = 42;
let database: TestDatabase;
let server: TestServer;

beforeEach(async () => {
  database = await createDatabase();
  await createLedger(database.pool);
  server = await startServer(database, { adapter: 'postgres' });
});

const events = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => ({ org: `org-${n % 3}`, type: 'note', data: from + n }));

/** A worker that stands in the middle of the event 5 until the lock is released; and one of this process behind it. */
async function handling() {
  const keeper = await database.connect();
  await keeper.query('select pg_advisory_lock($1)', [key]);
  await append(database.pool, events(1, 4));
  const worker = await startWorker({ databaseUrl: database.url, options: { name }, at: 5, fate: { key } });
  await until(async () => (await linesOf(database.pool, name)).length === 4);
  await append(database.pool, events(5, 9));
  const pid = await worker.at();
  const consumer = server.app.commitcast.consume({ name }, (tx, page) => writeLines(tx, name, page));
  return { keeper, worker, pid, consumer };
}

it('goes on in another process, with what was in hand, when one is killed in the middle of it', async () => {
  const { keeper, worker, pid } = await handling();
  await worker.kill();
  await expectExactlyOnce(database.pool, name);
  // What the dead one has in the server comes to nothing.
  await keeper.query('select pg_advisory_unlock_all()');
  await until(
    async () => (await keeper.query('select from pg_stat_activity where pid = $1', [pid])).rowCount === 0,
  );
  await append(database.pool, events(10, 12));
  await expectExactlyOnce(database.pool, name);
});

it('does not let a worker commit what it had in hand when it was frozen, and has lost its partition', async () => {
  const { keeper, worker, pid, consumer } = await handling();
  worker.freeze();
  await expectExactlyOnce(database.pool, name);
  await keeper.query('select pg_advisory_unlock_all()');
  worker.thaw();
  // It has come to the end of its transaction.
  await until(async () => {
    const { rows } = await keeper.query<{ state: string }>(
      'select state from pg_stat_activity where pid = $1',
      [pid],
    );
    return rows.every(({ state }) => state === 'idle');
  });
  await expectExactlyOnce(database.pool, name);
  await append(database.pool, events(10, 12));
  await expectExactlyOnce(database.pool, name);
  expect(consumer.status).toMatchObject([{ position: 12 }]);
});
