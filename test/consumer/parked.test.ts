import { beforeEach, expect, it } from 'vitest';
import type { CommitcastEvent } from '../../src/core/event.ts';
import { askParked } from '../../src/consumer/operate.ts';
import type { Executor } from '../../src/db/executor.ts';
import { append } from '../../src/log/append.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { createLedger, dataOf, parkedOf, untilThrough, writeLines } from './ledger.ts';

const name = 'copy';
const options = { name, maxAttempts: 1, onPoison: 'park-org' } as const;
const event = (data: number, org = 'acme') => ({ org, type: 'note', data });

let database: TestDatabase;
let poison: Set<unknown>;
/** Called before an event is handled. */
let before: (data: unknown, tx: Executor) => Promise<unknown>;

beforeEach(async () => {
  database = await createDatabase();
  await createLedger(database.pool);
  poison = new Set([2]);
  before = () => Promise.resolve();
});

async function handle(tx: Executor, events: CommitcastEvent[]): Promise<void> {
  for (const handled of events) {
    await before(handled.data, tx);
    await writeLines(tx, name, [handled]);
    if (poison.has(handled.data)) throw new Error(`cannot handle ${String(handled.data)}`);
  }
}

/** 2 of `acme` is parked, and 3, 4, 5 wait behind it. */
async function park() {
  const server = await startServer(database);
  await append(database.pool, [event(1), event(2), event(3), event(10, 'rival'), event(4)]);
  const consumer = server.app.commitcast.consume(options, handle);
  await append(database.pool, event(5));
  await untilThrough(database.pool, name);
  expect(await waiting()).toEqual([2, 3, 5, 6]);
  return { server, consumer };
}

const waiting = async () => (await parkedOf(database.pool, name)).map(({ position }) => position);
const ask = (action: 'retry' | 'drop', position = 2) => askParked(database.pool, name, action, { position });
const untilFree = () => until(async () => (await waiting()).length === 0);

it('retry: handles the event and what waited behind it, once and in order; then the lane is free', async () => {
  await park();
  poison.clear();
  await ask('retry');
  await untilFree();
  await append(database.pool, [event(6), event(11, 'rival')]);
  await untilThrough(database.pool, name);
  expect(await dataOf(database.pool, name)).toEqual([1, 10, 2, 3, 4, 5, 6, 11]);
});

it('retry: an event that fails again stays parked with its error, and all behind it', async () => {
  await park();
  await ask('retry');
  await until(async () => (await parkedOf(database.pool, name))[0]?.attempts === 2);
  await append(database.pool, [event(6), event(11, 'rival')]);
  await untilThrough(database.pool, name);
  expect(await dataOf(database.pool, name)).toEqual([1, 10, 11]);
  expect(await waiting()).toEqual([2, 3, 5, 6, 7]);
  expect((await parkedOf(database.pool, name))[0]).toMatchObject({
    error: 'Error: cannot handle 2',
    asked: null,
  });
});

it('retry: an event behind it that fails is parked with its own error, and holds the rest', async () => {
  await park();
  poison = new Set([4]);
  await ask('retry');
  await until(async () => (await parkedOf(database.pool, name))[0]?.error === 'Error: cannot handle 4');
  expect(await waiting()).toEqual([5, 6]);
  poison.clear();
  await ask('retry', 5);
  await untilFree();
  expect(await dataOf(database.pool, name)).toEqual([1, 10, 2, 3, 4, 5]);
});

it('drop: forgets the event alone; what waited behind it is handled in order', async () => {
  await park();
  await ask('drop');
  await untilFree();
  await append(database.pool, event(6));
  await untilThrough(database.pool, name);
  expect(await dataOf(database.pool, name)).toEqual([1, 10, 3, 4, 5, 6]);
});

it('goes on with a lane that a worker was in the middle of when it stopped', async () => {
  const { server, consumer } = await park();
  let stopping: Promise<void> | undefined;
  before = async (data) => {
    if (data === 3) stopping ??= consumer.stop();
    return Promise.resolve();
  };
  poison.clear();
  await ask('retry');
  await until(() => stopping !== undefined);
  await stopping;
  await server.close();
  expect(await waiting()).toEqual([5, 6]);
  const next = await startServer(database);
  next.app.commitcast.consume(options, handle);
  await untilFree();
  expect(await dataOf(database.pool, name)).toEqual([1, 10, 2, 3, 4, 5]);
});

it.for([2, 3])(
  'retry: an event does not stay parked for a connection that is lost, at the event %i',
  async (at) => {
    await park();
    poison.clear();
    let killed = false;
    before = async (data, tx) => {
      if (data !== at || killed) return;
      killed = true;
      await tx.query('select pg_terminate_backend(pg_backend_pid())');
    };
    await ask('retry');
    await untilFree();
    expect(killed).toBe(true);
    expect(await dataOf(database.pool, name)).toEqual([1, 10, 2, 3, 4, 5]);
  },
);
