import { beforeEach, expect, it } from 'vitest';
import { pauseConsumer, resumeConsumer } from '../../src/consumer/operate.ts';
import { append } from '../../src/log/append.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { createLedger, dataOf, expectExactlyOnce, linesOf, untilThrough, writeLines } from './ledger.ts';
import { looks } from './looks.ts';
import { loseAfter } from './lose-after.ts';
import { createGate } from './operated.ts';

const name = 'copy';
let database: TestDatabase;

beforeEach(async () => {
  database = await createDatabase();
  await createLedger(database.pool);
});

const events = (label: string, from: number, to: number, type = 'note') =>
  Array.from({ length: to - from + 1 }, (_, n) => ({ org: 'acme', type, data: `${label}${from + n}` }));
const labels = (label: string, from: number, to: number) => events(label, from, to).map(({ data }) => data);

it('a position that was never saved is none of the new history: what is new is handled, from where the database is', async () => {
  const server = await startServer(database);
  const consumer = server.app.commitcast.consume({ name, types: ['note'] }, (tx, page) =>
    writeLines(tx, name, page),
  );
  await append(database.pool, events('old', 1, 1));
  await until(async () => (await linesOf(database.pool, name)).length === 1);
  // Nothing for the handler: the worker goes over them, and saves that within a second.
  await append(database.pool, events('other', 2, 21, 'other'));
  await until(() => consumer.status[0]?.position === 21);
  await loseAfter(database, { position: 5, checkpoint: 1 });
  await append(database.pool, events('new', 6, 8));
  await untilThrough(database.pool, name);
  await append(database.pool, events('new', 9, 30));
  await untilThrough(database.pool, name);
  expect(await dataOf(database.pool, name)).toEqual(['old1', ...labels('new', 6, 30)]);
  expect(consumer.status).toMatchObject([{ position: 30, error: undefined }]);
});

it('what was committed where the new history does not have it: goes on from the position of the database', async () => {
  const server = await startServer(database);
  const consumer = server.app.commitcast.consume({ name, batch: 10 }, (tx, page) =>
    writeLines(tx, name, page),
  );
  await append(database.pool, events('old', 1, 20));
  await untilThrough(database.pool, name);
  await loseAfter(database, { position: 15, checkpoint: 5 });
  await append(database.pool, events('new', 16, 17));
  // Shorter than where it was: it does not wait until the new history is as long.
  await expectExactlyOnce(database.pool, name);
  expect(await dataOf(database.pool, name)).toEqual([...labels('old', 1, 15), ...labels('new', 16, 17)]);
  await append(database.pool, events('new', 18, 25));
  await expectExactlyOnce(database.pool, name);
  expect(consumer.status).toMatchObject([{ position: 25, failed: false }]);
});

it('a page that was read ahead before a pause is not handled after a failover', async () => {
  const server = await startServer(database);
  await append(database.pool, events('old', 1, 20));
  // The first page has ten of them, and not what there was so far.
  await until(() => server.app.commitcast.cursor().endsWith('-20'));
  const gate = createGate();
  server.app.commitcast.consume({ name, batch: 10 }, async (tx, page, { signal }) => {
    await writeLines(tx, name, page);
    // Here the worker reads what comes next.
    await gate.pass(signal);
  });
  await gate.reached;
  await pauseConsumer(database.pool, name);
  await looks(database.pool, name);
  gate.open();
  await until(async () => (await linesOf(database.pool, name)).length === 10);
  await loseAfter(database, { position: 12, checkpoint: 10 });
  await append(database.pool, events('new', 13, 20));
  await looks(database.pool, name);
  await resumeConsumer(database.pool, name);
  await expectExactlyOnce(database.pool, name);
  expect(await dataOf(database.pool, name)).toEqual([...labels('old', 1, 12), ...labels('new', 13, 20)]);
});
