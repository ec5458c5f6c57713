import { drizzle } from 'drizzle-orm/node-postgres';
import type { Client } from 'pg';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { once } from '../../src/log/once.ts';
import type { Transaction } from '../../src/log/transaction.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { untilBlocked } from '../support/transactions.ts';

let database: TestDatabase;
let first: Client;
let second: Client;
let key: string;
let tests = 0;

beforeAll(async () => {
  database = await createDatabase();
  // Whoever handles messages is no owner of the schema.
  const writer = await database.urlAsMemberOf('commitcast_writer');
  first = await database.connect(writer);
  second = await database.connect(writer);
});

beforeEach(() => {
  key = `charge:${(tests += 1)}`;
});

type Way = (client: Client, work: (tx: Transaction) => Promise<boolean>) => Promise<boolean>;

const ways: Record<string, Way> = {
  'a drizzle transaction': (client, work) => drizzle(client).transaction((tx) => work(tx)),
  async 'a pg client'(client, work) {
    await client.query('begin');
    try {
      const result = await work(client);
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback');
      throw error;
    }
  },
};

describe.each(Object.entries(ways))('once through %s', (_, within) => {
  it('is true for the first transaction that commits the key, and false for every later one', async () => {
    expect(await within(first, (tx) => once(tx, key))).toBe(true);
    expect(await within(first, (tx) => once(tx, key))).toBe(false);
    expect(await within(second, (tx) => once(tx, key))).toBe(false);
    expect(await within(second, (tx) => once(tx, `${key} `))).toBe(true);
  });

  it('is false the second time in one transaction, too', async () => {
    const again = await within(first, async (tx) => {
      await once(tx, key);
      return once(tx, key);
    });
    expect(again).toBe(false);
  });

  it('a transaction that is rolled back has handled nothing', async () => {
    const failed = within(first, async (tx) => {
      await once(tx, key);
      throw new Error('the other side did not answer');
    });
    await expect(failed).rejects.toThrow('the other side did not answer');
    expect(await within(second, (tx) => once(tx, key))).toBe(true);
  });

  it.each([
    ['commit', false],
    ['rollback', true],
  ])(
    'who comes while another one handles the message waits for its %s, and then it is %s',
    async (end, expected) => {
      await first.query('begin');
      expect(await once(first, key)).toBe(true);
      const waiting = within(second, (tx) => once(tx, key));
      await untilBlocked(database, second);
      await first.query(end);
      expect(await waiting).toBe(expected);
    },
  );
});

it.each(['', 'x'.repeat(256), 'two\nlines', 7, null, undefined])('the key %j is refused', async (bad) => {
  await expect(once(first, bad as string)).rejects.toMatchObject({ code: 'EVENT_INVALID' });
});

it('a key may have any 255 characters', async () => {
  const long = `${'💧'.repeat(254)}'`;
  expect(await once(first, long)).toBe(true);
  expect(await once(first, long)).toBe(false);
});
