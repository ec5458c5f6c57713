import { drizzle } from 'drizzle-orm/node-postgres';
import { beforeEach, describe, expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { readStream } from '../../src/log/read-stream.ts';
import { execute, type Decider } from '../../src/stream/decider.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { untilBlocked } from '../support/transactions.ts';
import { account, InsufficientFunds } from './account.ts';

const name = { org: 'acme', stream: 'account-7' };
let database: TestDatabase;

beforeEach(async () => {
  database = await createDatabase();
});

const deposit = (amount: number) => ({ type: 'deposit', amount }) as const;
const withdraw = (amount: number) => ({ type: 'withdraw', amount }) as const;

async function logged() {
  const events = [];
  for await (const { version, type, site, unit, data, meta } of readStream(database.pool, name))
    events.push({ version, type, site, unit, data, meta });
  return events;
}

describe('execute', () => {
  it('decides by the state of the stream, appends, and returns what is then', async () => {
    await drizzle(database.pool).transaction(async (tx) => {
      expect(await execute(tx, { ...name, site: 's1' }, account, deposit(50))).toEqual({
        state: 50,
        version: 1,
        events: [{ type: 'deposited', data: { amount: 50 } }],
      });
    });
    const { state, version } = await execute(database.pool, name, account, withdraw(20));
    expect([state, version]).toEqual([30, 2]);
    expect(await logged()).toMatchObject([
      { version: 1, type: 'deposited', site: 's1', data: { amount: 50 } },
      { version: 2, type: 'withdrawn', site: undefined, data: { amount: 20 } },
    ]);
  });

  it('appends nothing when nothing is decided, or the command is refused', async () => {
    expect(await execute(database.pool, name, account, { type: 'empty' })).toEqual({
      state: 0,
      version: 0,
      events: [],
    });
    await expect(execute(database.pool, name, account, withdraw(1))).rejects.toThrow(InsufficientFunds);
    expect(await logged()).toEqual([]);
  });

  it('gives evolve the data as it will be loaded, and each event its own scope and meta', async () => {
    const when = new Date(0);
    const dated: Decider<unknown[], string, { type: 'dated'; data: unknown }> = {
      initial: [],
      evolve: (seen, { data }) => [...seen, data],
      decide: () => [
        { type: 'dated', data: { when, none: undefined }, unit: 'u1', meta: { by: 'kim' } },
        { type: 'dated', data: 2 },
      ],
    };
    const { state } = await execute(database.pool, { ...name, unit: 'u0' }, dated, 'go');
    expect(state).toEqual([{ when: when.toISOString() }, 2]);
    expect(Object.keys((state as object[])[0] ?? {})).toEqual(['when']);
    expect(await logged()).toMatchObject([
      { unit: 'u1', meta: { by: 'kim' } },
      { unit: 'u0', meta: undefined },
    ]);
  });

  it('of two at once on one stream never lets both win by the same state', async () => {
    await execute(database.pool, name, account, deposit(50));
    const [one, two] = [await database.connect(), await database.connect()];
    await Promise.all([one.query('begin'), two.query('begin')]);
    await execute(one, name, account, withdraw(40));
    const second = execute(two, name, account, withdraw(40));
    second.catch(() => undefined);
    await untilBlocked(database, two);
    await one.query('commit');
    await expect(second).rejects.toMatchObject({ code: 'VERSION_CONFLICT', expected: 1, actual: 2 });
    await two.query('rollback; begin');
    await expect(execute(two, name, account, withdraw(40))).rejects.toThrow(InsufficientFunds);
  });

  it('twice on one stream in a transaction is refused with a reason, not retried for ever', async () => {
    const client = await database.connect();
    await client.query('begin');
    await execute(client, name, account, deposit(1));
    const again = execute(client, name, account, deposit(1));
    await expect(again).rejects.toMatchObject({ code: 'EVENT_INVALID' });
    await client.query('rollback');
    await append(database.pool, { ...name, type: 'deposited', data: { amount: 1 } });
  });
});
