import { EventEmitter, once as emitted } from 'node:events';
import { drizzle } from 'drizzle-orm/node-postgres';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CommitcastEvent, NewEvent } from '../../src/core/event.ts';
import { VersionConflictError } from '../../src/core/errors.ts';
import { sqlStateOf } from '../../src/db/sql-state.ts';
import { append } from '../../src/log/append.ts';
import { once } from '../../src/log/once.ts';
import { readStream } from '../../src/log/read-stream.ts';
import type { Transaction } from '../../src/log/transaction.ts';
import { execute, type Decider } from '../../src/stream/decider.ts';
import { loadState } from '../../src/stream/load-state.ts';
import { memoryCommitcast } from '../../src/testing/memory-commitcast.ts';
import { createDatabase } from '../support/database.ts';

interface World {
  /** What reads outside of transactions. */
  db: Transaction;
  transaction<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result>;
}

/** The same promises on either stage: what holds in the double holds in the database. */
const worlds: Record<string, () => Promise<World>> = {
  async 'the double'() {
    const memory = memoryCommitcast();
    return Promise.resolve({ db: memory, transaction: (work) => memory.transaction(work) });
  },
  async 'the double, over execute'() {
    const memory = memoryCommitcast();
    const transaction: World['transaction'] = (work) =>
      memory.transaction((tx) => work({ execute: (query) => tx.execute(query) }));
    return Promise.resolve({ db: memory, transaction });
  },
  async 'a database'() {
    const { pool } = await createDatabase();
    const db = drizzle(pool);
    return { db: pool, transaction: (work) => db.transaction((tx) => work(tx)) };
  },
};

const account = { org: 'acme', stream: 'account-7' };
const note = (data: unknown): NewEvent => ({ ...account, type: 'note', data });

const teller: Decider<number, number, { type: 'moved'; data: number }> = {
  initial: 0,
  evolve: (balance, { data }) => balance + data,
  decide(amount, balance) {
    if (balance + amount < 0) throw new Error(`only ${balance} left`);
    return amount === 0 ? [] : { type: 'moved', data: amount };
  },
};

async function all(events: AsyncIterable<CommitcastEvent>) {
  const found: unknown[] = [];
  for await (const { version, data, meta } of events)
    found.push(meta ? [version, data, meta] : [version, data]);
  return found;
}

describe.each(Object.entries(worlds))('streams in %s', (_, open) => {
  let world: World;
  beforeAll(async () => {
    world = await open();
  });

  it('a command is decided by what is in its stream, and the state is read back', async () => {
    const target = { org: 'acme', stream: 'account-1' };
    const move = (amount: number) => world.transaction((tx) => execute(tx, target, teller, amount));
    expect(await move(100)).toMatchObject({ state: 100, version: 1 });
    expect(await move(-30)).toMatchObject({ state: 70, version: 2 });
    expect(await move(0)).toMatchObject({ state: 70, version: 2, events: [] });
    await expect(move(-71)).rejects.toThrow('only 70 left');
    for (const name of [undefined, 'balance'])
      expect(await loadState(world.db, target, { ...teller, name, saveEvery: 1 })).toEqual({
        state: 70,
        version: 2,
      });
  });

  it('of two commands that load the same state one wins, and the other is told the version', async () => {
    const target = { org: 'acme', stream: 'account-2' };
    await world.transaction((tx) => execute(tx, target, teller, 10));
    const gate = new EventEmitter();
    let loaded = 0;
    const results = await Promise.allSettled(
      [1, 2].map((amount) =>
        world.transaction(async (tx) => {
          const bothLoaded = emitted(gate, 'both');
          const { version } = await loadState(tx, target, teller);
          if ((loaded += 1) === 2) gate.emit('both');
          await bothLoaded;
          await append(tx, { ...target, expectedVersion: version, type: 'moved', data: amount });
        }),
      ),
    );
    const lost = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as unknown] : [],
    );
    expect(lost).toHaveLength(1);
    expect(lost[0]).toBeInstanceOf(VersionConflictError);
    expect(lost[0]).toMatchObject({ code: 'VERSION_CONFLICT', ...target, expected: 1, actual: 2 });
    expect(await all(readStream(world.db, target))).toHaveLength(2);
  });

  it('a part of a stream is read, what is not there is nothing, and what is not committed is refused', async () => {
    await world.transaction((tx) => append(tx, [note(1), { ...note([2]), meta: { by: 'kim' } }, note(null)]));
    expect(await all(readStream(world.db, account, { from: 2 }))).toEqual([
      [2, [2], { by: 'kim' }],
      [3, null],
    ]);
    expect(await all(readStream(world.db, account, { to: 1 }))).toEqual([[1, 1]]);
    expect(await all(readStream(world.db, account, { limit: 2 }))).toHaveLength(2);
    expect(await all(readStream(world.db, account, { from: 4 }))).toEqual([]);
    expect(await all(readStream(world.db, { org: 'rival', stream: account.stream }))).toEqual([]);
    await world.transaction(async (tx) => {
      expect(await all(readStream(tx, account))).toHaveLength(3);
      await append(tx, note(4));
      await expect(all(readStream(tx, account))).rejects.toMatchObject({ code: 'EVENT_INVALID' });
      expect(await all(readStream(tx, account, { to: 3 }))).toHaveLength(3);
    });
    expect(await all(readStream(world.db, account))).toHaveLength(4);
  });

  it('a large append to two streams gives versions without a hole, and is done once by its key', async () => {
    const events = Array.from({ length: 1_200 }, (_, n) => ({
      org: 'acme',
      stream: `large-${n % 2}`,
      type: 'note',
      data: n,
      ...(n > 900 && { expectedVersion: 'none' as const }),
    }));
    const send = (part: NewEvent[]) => world.transaction((tx) => append(tx, part, { key: 'import' }));
    const ids = await send(events);
    expect(new Set(ids).size).toBe(1_200);
    expect(await send(events.map((event) => ({ ...event, expectedVersion: 7 })))).toEqual(ids);
    await expect(send(events.slice(0, 500))).rejects.toMatchObject({ code: 'KEY_REUSED' });
    const expected = Array.from({ length: 600 }, (_, n) => [n + 1, 2 * n + 1]);
    expect(await all(readStream(world.db, { org: 'acme', stream: 'large-1' }))).toEqual(expected);
  });

  it('of two transactions that wait for each other one is ended, and the other goes on', async () => {
    const gates = new EventEmitter();
    const has = { a: emitted(gates, 'a'), b: emitted(gates, 'b') };
    const take = (first: 'a' | 'b', second: 'a' | 'b') =>
      world.transaction(async (tx) => {
        await append(tx, { org: 'acme', stream: `circle-${first}`, type: 'note', data: null });
        gates.emit(first);
        await has[second];
        await append(tx, { org: 'acme', stream: `circle-${second}`, type: 'note', data: null });
      });
    const results = await Promise.allSettled([take('a', 'b'), take('b', 'a')]);
    const lost = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as unknown] : [],
    );
    expect(lost.map(sqlStateOf)).toEqual(['40P01']);
    for (const stream of ['circle-a', 'circle-b'])
      expect(await all(readStream(world.db, { org: 'acme', stream }))).toEqual([[1, null]]);
  });
});

it('a statement that was not awaited is in the transaction that it was made in, also when it has to wait', async () => {
  const memory = memoryCommitcast();
  const gate = new EventEmitter();
  const opened = emitted(gate, 'open');
  const holder = memory.transaction(async (tx) => {
    await append(tx, note('first'));
    await opened;
  });
  const waiting = memory.transaction((tx) => {
    void append(tx, note('second'));
    void append(tx, { org: 'acme', type: 'plain', data: 'third' });
    return Promise.resolve();
  });
  gate.emit('open');
  await Promise.all([holder, waiting]);
  expect(memory.events.map(({ data, version }) => [data, version])).toEqual([
    ['first', 1],
    ['second', 2],
    ['third', undefined],
  ]);
});

it('reset: forgets streams, keys and marks, and what an open transaction of before commits', async () => {
  const memory = memoryCommitcast();
  const gate = new EventEmitter();
  const use = () =>
    memory.transaction(async (tx) => {
      await append(tx, { ...note(1), expectedVersion: 'none' }, { key: 'k' });
      return once(tx, 'm');
    });
  expect(await use()).toBe(true);
  const opened = emitted(gate, 'open');
  const before = memory.transaction(async (tx) => {
    await append(tx, note('before'));
    await opened;
  });
  memory.reset();
  expect(await use()).toBe(true);
  gate.emit('open');
  await before;
  expect(memory.events.map(({ data, version }) => [data, version])).toEqual([[1, 1]]);
});
