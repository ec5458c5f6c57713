import { beforeEach, expect, it } from 'vitest';
import { askParked, pauseConsumer, resumeConsumer } from '../../src/consumer/operate.ts';
import type { CommitcastEvent } from '../../src/core/event.ts';
import type { Executor } from '../../src/db/executor.ts';
import { append } from '../../src/log/append.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { createLedger, dataOf, parkedOf, untilThrough, writeLines } from './ledger.ts';
import { looks } from './looks.ts';
import { createGate } from './operated.ts';

const name = 'copy';
const event = (data: number, org = 'acme') => ({ org, type: 'note', data });

let database: TestDatabase;
/** Called before an event is handled. */
let before: (tx: Executor, event: CommitcastEvent, signal: AbortSignal) => Promise<unknown>;

beforeEach(async () => {
  database = await createDatabase();
  await createLedger(database.pool);
  before = (_tx, { data }) =>
    data === 2 ? Promise.reject(new Error('cannot handle it')) : Promise.resolve();
});

/** 2 of acme is parked with all that comes after it, up to `last`. */
async function park(last: number) {
  const server = await startServer(database);
  await append(
    database.pool,
    Array.from({ length: last }, (_, n) => event(n + 1)),
  );
  const options = { name, maxAttempts: 1, onPoison: 'park-org' } as const;
  server.app.commitcast.consume(options, async (tx, events, { signal }) => {
    for (const each of events) await before(tx, each, signal);
    await writeLines(tx, name, events);
  });
  await untilThrough(database.pool, name);
  expect(await waiting()).toBe(last - 1);
}

const waiting = async () => (await parkedOf(database.pool, name)).length;
const data = () => dataOf(database.pool, name);
const write = (each: number, org?: string) => append(database.pool, event(each, org));
const ask = (action: 'retry' | 'drop') => askParked(database.pool, name, action, { position: 2 });

/** What `statement_timeout` strikes: nothing that the event is to blame for. */
async function runOutOfTime(tx: Executor): Promise<void> {
  await tx.query('set local statement_timeout = 20');
  await tx.query('select pg_sleep(10)');
}

it('a retry that runs into a timeout each time holds up neither other orgs nor what is new, and can be dropped', async () => {
  await park(3);
  let tries = 0;
  before = (tx, { data: tried }) => {
    if (tried !== 2) return Promise.resolve();
    tries += 1;
    return runOutOfTime(tx);
  };
  await ask('retry');
  await until(() => tries === 1);
  await write(10, 'rival');
  await until(async () => (await data()).includes(10));
  // Once in a look, until it succeeds or is dropped.
  await until(() => tries === 2);
  await write(11, 'rival');
  await until(async () => (await data()).includes(11));
  expect(await waiting()).toBe(2);
  await write(4);
  await ask('drop');
  await until(async () => (await waiting()) === 0);
  await untilThrough(database.pool, name);
  expect(await data()).toEqual([1, 10, 11, 3, 4]);
});

it('a drop that is asked for while the event is tried once more is not forgotten', async () => {
  await park(3);
  const gate = createGate();
  let tries = 0;
  before = async (tx, { data: tried }, signal) => {
    if (tried !== 2) return;
    tries += 1;
    await gate.pass(signal);
    await runOutOfTime(tx);
  };
  await ask('retry');
  await gate.reached;
  await ask('drop');
  gate.open();
  await until(async () => (await waiting()) === 0);
  expect(await data()).toEqual([1, 3]);
  expect(tries).toBe(1);
});

it('a lane that takes all the time of a turn, and fails, does not keep the lanes after it from theirs', async () => {
  await park(3);
  before = () => Promise.reject(new Error('cannot handle it'));
  await write(20, 'rival');
  await write(21, 'rival');
  await until(async () => (await waiting()) === 4);
  before = async (tx, { data: tried }) => {
    if (tried !== 2) return;
    await tx.query('set local statement_timeout = 600');
    await tx.query('select pg_sleep(10)');
  };
  await askParked(database.pool, name, 'retry', { all: true });
  await until(async () => (await waiting()) === 2);
  expect(await data()).toEqual([1, 20, 21]);
});

/** Each event of a lane of some hundred takes a while: some seconds for all of it. */
async function retryLongLane(): Promise<{ handled: () => number }> {
  await park(500);
  let handled = 0;
  before = async (tx, { org }) => {
    if (org === 'acme') await tx.query('select pg_sleep(0.003)');
    handled += 1;
  };
  await ask('retry');
  await until(() => handled > 0);
  return { handled: () => handled };
}

it('a long lane that is tried once more lets other orgs through, and comes to its end by itself', async () => {
  await retryLongLane();
  await write(501, 'rival');
  await until(async () => (await data()).includes(501));
  expect(await waiting()).toBeGreaterThan(0);
  await until(async () => (await waiting()) === 0);
  await write(502);
  await until(async () => (await data()).includes(502));
  const handled = (await data()).filter((each) => each !== 501);
  expect(handled).toEqual([...Array.from({ length: 500 }, (_, n) => n + 1), 502]);
});

it('a pause is heard in the middle of a lane; resumed, the lane goes on where it was', async () => {
  const { handled } = await retryLongLane();
  await pauseConsumer(database.pool, name);
  await looks(database.pool, name);
  const then = handled();
  await looks(database.pool, name);
  expect(handled()).toBe(then);
  expect(await waiting()).toBeGreaterThan(0);
  await resumeConsumer(database.pool, name);
  await until(async () => (await waiting()) === 0);
  expect(await data()).toEqual(Array.from({ length: 500 }, (_, n) => n + 1));
});
