import { beforeEach, expect, it } from 'vitest';
import { askParked, resumeConsumer } from '../../src/consumer/operate.ts';
import type { ConsumerHandle } from '../../src/consumer/consumers.ts';
import type { ConsumeOptions } from '../../src/consumer/options.ts';
import { append } from '../../src/log/append.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { createLedger, dataOf, parkedOf, partitionsOf, untilThrough, writeLines } from './ledger.ts';
import { looks } from './looks.ts';

type Policy = NonNullable<ConsumeOptions<unknown>['onPoison']>;

const name = 'copy';
let database: TestDatabase;
let server: TestServer;
let poison: Set<string>;
let consumer: ConsumerHandle | undefined;

beforeEach(async () => {
  database = await createDatabase();
  await createLedger(database.pool);
  server = await startServer(database);
  poison = new Set();
  consumer = undefined;
});

/** The consumer as it is after a restart with this policy. */
async function restart(onPoison: Policy): Promise<void> {
  await consumer?.stop();
  consumer = server.app.commitcast.consume({ name, maxAttempts: 1, onPoison }, async (tx, events) => {
    const bad = events.find(({ data }) => poison.has(String(data)));
    if (bad) throw new Error(`cannot handle ${String(bad.data)}`);
    await writeLines(tx, name, events);
  });
}

/** `s1` is of the stream `s`. */
const write = (labels: string[], org = 'acme') =>
  append(
    database.pool,
    labels.map((label) => ({ org, type: 'note', stream: label.slice(0, 1), data: label })),
  );
const through = () => untilThrough(database.pool, name);
const data = () => dataOf(database.pool, name);
const lanes = async () => (await parkedOf(database.pool, name)).map(({ lane }) => lane);
const retry = (position: number) => askParked(database.pool, name, 'retry', { position });
const untilFree = () => until(async () => (await lanes()).length === 0);

it('from park-org to park-stream: what is parked by org holds all streams of it, until it is through', async () => {
  poison.add('s1');
  await restart('park-org');
  await write(['s1', 's2', 't1']);
  await through();
  await restart('park-stream');
  await write(['s3', 't2']);
  await write(['x1'], 'rival');
  await through();
  expect(await data()).toEqual(['x1']);
  expect(await lanes()).toEqual(Array(5).fill('acme'));
  poison.clear();
  await retry(1);
  await untilFree();
  // Free: from now on by stream.
  poison.add('s4');
  await write(['s4', 't3']);
  await through();
  expect(await data()).toEqual(['x1', 's1', 's2', 't1', 's3', 't2', 't3']);
  expect(await lanes()).toEqual(['acme/s']);
});

it.for(['park-org', 'park-stream'] as const)(
  'from %s to stop: what is parked still holds its lane; what fails elsewhere stands still',
  async (policy) => {
    poison.add('s1');
    await restart(policy);
    await write(['s1', 's2']);
    await through();
    await restart('stop');
    await write(['s3']);
    await through();
    expect(await data()).toEqual([]);
    expect(await lanes()).toHaveLength(3);
    poison.add('x1');
    await write(['x1'], 'rival');
    await until(async () => (await partitionsOf(database.pool, name))[0]?.failed);
    await write(['s4']);
    poison.clear();
    await resumeConsumer(database.pool, name);
    await through();
    expect(await data()).toEqual(['x1']);
    await retry(1);
    await untilFree();
    expect(await data()).toEqual(['x1', 's1', 's2', 's3', 's4']);
  },
);

it('from park-stream to park-org: what is parked of a stream is in the lane of the org, and nothing of it overtakes', async () => {
  poison.add('s1');
  await restart('park-stream');
  await write(['s1', 't1']);
  await through();
  poison.add('t2');
  await restart('park-org');
  await write(['t2', 's2', 't3']);
  await through();
  expect(await data()).toEqual(['t1']);
  poison.delete('t2');
  await retry(3);
  await looks(database.pool, name, 3);
  expect(await lanes()).toEqual(Array(4).fill('acme'));
  expect(await data()).toEqual(['t1']);
  poison.clear();
  await retry(1);
  await until(async () => (await data()).includes('s1'));
  // t2 has failed itself.
  expect(await data()).toEqual(['t1', 's1']);
  await retry(3);
  await untilFree();
  expect(await data()).toEqual(['t1', 's1', 't2', 's2', 't3']);
  await write(['s3', 't4']);
  await through();
  expect(await data()).toEqual(['t1', 's1', 't2', 's2', 't3', 's3', 't4']);
});
