import { expect, it, onTestFinished } from 'vitest';
import { append } from '../../src/log/append.ts';
import { holdCommits } from '../../src/testing/hold-commits.ts';
import { createBusiness } from '../support/business.ts';
import { createDatabase } from '../support/database.ts';
import { chooseSeed, createRandom } from '../support/random.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { startWriters } from '../support/writers.ts';
import { createLedger, dataOf, expectExactlyOnce, linesOf, untilThrough, writeLines } from './ledger.ts';

const name = 'copy';

it('hands over each org’s events in their order, in four partitions, while writers do all that confuses it', async () => {
  const random = createRandom(chooseSeed('order of consumers'));
  const database = await createDatabase();
  await createBusiness(database.pool);
  await createLedger(database.pool);
  const server = await startServer(database);
  for (const partitions of [1, 4]) {
    const of = `${name}-${partitions}`;
    server.app.commitcast.consume({ name: of, partitions, batch: 20 }, (tx, events) =>
      writeLines(tx, of, events),
    );
  }
  const writers = startWriters({ url: database.url, random, transactions: 400, writers: 8 });
  const many = (async () => {
    for (let n = 0; n < 100; n++)
      await append(database.pool, { org: `org-${random.below(20)}`, type: 'note', data: n });
  })();
  await Promise.all([writers.finished, many]);
  await expectExactlyOnce(database.pool, `${name}-4`);
  await untilThrough(database.pool, `${name}-1`);
  // With one partition, the order is that of the log over all orgs.
  const positions = (await linesOf(database.pool, `${name}-1`)).map(({ position }) => position);
  expect(positions).toEqual(positions.toSorted((a, b) => a - b));
  await expectExactlyOnce(database.pool, `${name}-1`);
});

it('does not skip a commit that is in its last instant, however much has been committed after it', async () => {
  const database = await createDatabase();
  await createLedger(database.pool);
  const server = await startServer(database);
  server.app.commitcast.consume({ name }, (tx, events) => writeLines(tx, name, events));
  const hold = await holdCommits(database.url, { type: 'held' });
  onTestFinished(() => hold.close());
  await append(database.pool, { org: 'acme', type: 'note', data: 1 });
  const held = append(database.pool, { org: 'acme', type: 'held', data: 2 });
  await hold.reached();
  await append(database.pool, { org: 'rival', type: 'note', data: 3 });
  await until(async () => (await dataOf(database.pool, name)).length > 0);
  // It has seen that there is more: a second consumer, from the start, comes as far as the first.
  const late = 'late';
  server.app.commitcast.consume({ name: late }, (tx, events) => writeLines(tx, late, events));
  await until(async () => (await dataOf(database.pool, late)).length > 0);
  expect(await dataOf(database.pool, name)).toEqual([1]);
  expect(await dataOf(database.pool, late)).toEqual([1]);
  await hold.release();
  await held;
  await untilThrough(database.pool, name);
  await untilThrough(database.pool, late);
  expect(await dataOf(database.pool, name)).toEqual([1, 2, 3]);
  expect(await dataOf(database.pool, late)).toEqual([1, 2, 3]);
});
