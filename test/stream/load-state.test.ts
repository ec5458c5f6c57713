import { beforeEach, describe, expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import type { Transaction } from '../../src/log/transaction.ts';
import { execute } from '../../src/stream/decider.ts';
import { loadState, type SaveOptions } from '../../src/stream/load-state.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { beginPartition, dropOldest } from '../log/drop-oldest.ts';
import { account } from './account.ts';

const name = { org: 'acme', stream: 'account-7' };
let database: TestDatabase;
/** Events that evolve has seen. */
let evolved = 0;

beforeEach(async () => {
  database = await createDatabase();
});

const deposit = (count: number) =>
  append(
    database.pool,
    Array.from({ length: count }, () => ({ ...name, type: 'deposited', data: { amount: 1 } })),
  );

const load = (options: SaveOptions = {}, db: Transaction = database.pool) => {
  evolved = 0;
  return loadState(db, name, {
    initial: account.initial,
    evolve(state: number, event: Parameters<typeof account.evolve>[1]) {
      evolved += 1;
      return account.evolve(state, event);
    },
    ...options,
  });
};
const saved = async () => {
  const { rows } = await database.pool.query<Record<string, unknown>>(
    'select name, version::int, state from commitcast.state order by name',
  );
  return rows;
};
const options = { name: 'balance', saveEvery: 10 };

describe('a state is loaded', () => {
  it('with its version; for no stream it is the initial one', async () => {
    expect(await load()).toEqual({ state: 0, version: 0 });
    await deposit(3);
    expect(await load()).toEqual({ state: 3, version: 3 });
    expect(await saved()).toEqual([]);
  });

  it('from what was saved, when enough had come to save', async () => {
    await deposit(9);
    expect(await load(options)).toEqual({ state: 9, version: 9 });
    expect(await saved()).toEqual([]);
    await deposit(1);
    await load(options);
    expect(await saved()).toEqual([{ name: 'balance', version: 10, state: 10 }]);
    await deposit(2);
    expect(await load(options)).toEqual({ state: 12, version: 12 });
    expect(evolved).toBe(2);
    await load({ ...options, name: 'balance-2' });
    expect(evolved).toBe(12);
  });

  it('also when retention has removed what the saved one was folded from', async () => {
    await deposit(10);
    await load(options);
    await beginPartition(database);
    await deposit(1);
    await dropOldest(database);
    expect(await load(options)).toEqual({ state: 11, version: 11 });
    await expect(load()).rejects.toMatchObject({ code: 'HISTORY_EXPIRED' });
  });

  it.each<[string, unknown]>([
    ['a Map', new Map([['a', 1]])],
    ['a bigint', 1n],
    ['a text that Postgres cannot store', '\u0000'],
    ['half of a surrogate pair', 'a\ud800'],
  ])('and not saved, when it is %s', async (_name, state) => {
    await deposit(10);
    const loading = loadState(database.pool, name, { initial: state, evolve: () => state, ...options });
    expect(await loading).toEqual({ state, version: 10 });
    expect(await saved()).toEqual([]);
  });
});

describe('saving', () => {
  it('is refused when events were erased after the load had begun', async () => {
    await deposit(10);
    const erasing = {
      async query(text: string, values?: unknown[]) {
        const result = await database.pool.query<Record<string, unknown>>(text, values);
        if (text.includes('has_function_privilege'))
          await database.pool.query('update commitcast.stream set erasures = erasures + 1');
        return result;
      },
    };
    expect(await load(options, erasing)).toEqual({ state: 10, version: 10 });
    expect(await saved()).toEqual([]);
    await load(options);
    expect(await saved()).toHaveLength(1);
  });

  it('locks nothing in a transaction that only loads: two that load, then append, do not wait in a circle', async () => {
    await deposit(10);
    const [one, two] = [await database.connect(), await database.connect()];
    for (const client of [one, two]) {
      await client.query('begin');
      expect(await load(options, client)).toEqual({ state: 10, version: 10 });
    }
    await append(one, { ...name, type: 'deposited', data: { amount: 1 } });
    await one.query('commit');
    await append(two, { ...name, type: 'deposited', data: { amount: 1 } });
    await two.query('commit');
    expect(await saved()).toEqual([]);
  });

  it('in a transaction is done by execute, with it or not at all', async () => {
    await deposit(9);
    const client = await database.connect();
    for (const end of ['rollback', 'commit']) {
      await client.query('begin');
      await execute(client, name, account, { type: 'deposit', amount: 5 }, options);
      await client.query(end);
      expect(await saved()).toHaveLength(end === 'commit' ? 1 : 0);
    }
    expect(await saved()).toEqual([{ name: 'balance', version: 10, state: 14 }]);
  });

  it('is left to others by a role that may not: its transaction lives on', async () => {
    await deposit(10);
    const reader = await database.connect(await database.urlAsMemberOf('commitcast_reader'));
    expect(await load(options, reader)).toEqual({ state: 10, version: 10 });
    await reader.query('begin');
    expect(await load(options, reader)).toEqual({ state: 10, version: 10 });
    await reader.query('commit');
    expect(await saved()).toEqual([]);
    await load(options);
    expect(await saved()).toHaveLength(1);
  });

  it('is not tried by execute for a role that may not: it appends all the same', async () => {
    await deposit(10);
    const url = await database.urlAsMemberOf('commitcast_writer', 'commitcast_reader');
    const writer = await database.connect(url);
    await writer.query('begin');
    await execute(writer, name, account, { type: 'deposit', amount: 5 }, options);
    await writer.query('commit');
    expect(await load()).toEqual({ state: 15, version: 11 });
    expect(await saved()).toEqual([]);
  });

  it('that fails is no failure of the load', async () => {
    await deposit(10);
    await database.pool.query('alter table commitcast.state add constraint full_disk check (version < 0)');
    expect(await load(options)).toEqual({ state: 10, version: 10 });
  });
});
