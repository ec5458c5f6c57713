import { randomBytes } from 'node:crypto';
import { drizzle } from 'drizzle-orm/node-postgres';
import { beforeEach, describe, expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { readStream, type ReadStreamOptions } from '../../src/log/read-stream.ts';
import type { Transaction } from '../../src/log/transaction.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { beginPartition, dropOldest } from './drop-oldest.ts';

const name = { org: 'acme', stream: 'order/9: ä' };
let database: TestDatabase;

beforeEach(async () => {
  database = await createDatabase();
});

const commit = (count = 1, data: unknown = null) =>
  append(
    database.pool,
    Array.from({ length: count }, () => ({ ...name, type: 'counted', data })),
  );

const versions = async (options?: ReadStreamOptions, db: Transaction = database.pool) => {
  const found = [];
  for await (const { version } of readStream(db, name, options)) found.push(version);
  return found;
};
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);
const expired = { code: 'HISTORY_EXPIRED' };

describe('a stream is read', () => {
  it('whole, by version, with nothing of other streams or orgs, over several pages', async () => {
    await commit(700);
    await append(database.pool, [
      { ...name, stream: 'order-8', type: 'other', data: null },
      { ...name, org: 'other', type: 'other', data: null },
    ]);
    await commit(503);
    expect(await versions()).toEqual(range(1, 1_203));
    expect(await versions({}, drizzle(database.pool))).toEqual(range(1, 1_203));
  });

  it('from and to a version, both included, and no more than the limit', async () => {
    await commit(1_100);
    expect(await versions({ from: 499, to: 1_002 })).toEqual(range(499, 1_002));
    expect(await versions({ from: 1_090 })).toEqual(range(1_090, 1_100));
    expect(await versions({ from: 2, limit: 501 })).toEqual(range(2, 502));
    expect(await versions({ from: 1_099, limit: 9 })).toEqual([1_099, 1_100]);
    expect(await versions({ from: 1_101 })).toEqual([]);
    expect(await versions({ from: 5, to: 4 })).toEqual([]);
  });

  it('as nothing when it does not exist', async () => {
    expect(await versions()).toEqual([]);
  });

  it('P5: in pages of bounded bytes', async () => {
    // Random, so that it is stored as large as it is.
    for (let n = 0; n < 5; n++) await commit(8, randomBytes(90_000).toString('base64'));
    const pages: number[] = [];
    const spy = {
      query: async (text: string, values?: unknown[]) => {
        const result = await database.pool.query<Record<string, unknown>>(text, values);
        pages.push(result.rows.length);
        return result;
      },
    };
    expect(await versions({}, spy)).toEqual(range(1, 40));
    expect(Math.max(...pages)).toBeLessThan(12);
  });

  it('as dense from its beginning at every moment, while several write to it', async () => {
    const writers = Array.from({ length: 4 }, async () => {
      for (let n = 0; n < 30; n++) await commit(2);
    });
    const ended = new AbortController();
    const done = Promise.all(writers).finally(() => {
      ended.abort();
    });
    while (!ended.signal.aborted) {
      const found = await versions();
      expect(found).toEqual(range(1, found.length));
    }
    await done;
    expect(await versions()).toEqual(range(1, 240));
  });

  it.each<[string, object, ReadStreamOptions, string]>([
    ['an org of another form', { org: 'a:b' }, {}, 'EVENT_INVALID'],
    ['no stream', { stream: '' }, {}, 'EVENT_INVALID'],
    ['a version below 1', {}, { from: 0 }, 'LIMIT_INVALID'],
    ['a version that is not whole', {}, { to: 1.5 }, 'LIMIT_INVALID'],
    ['a limit of nothing', {}, { limit: 0 }, 'LIMIT_INVALID'],
  ])('not with %s', async (_name, part, options, code) => {
    const reading = readStream(database.pool, { ...name, ...part }, options).next();
    await expect(reading).rejects.toMatchObject({ code });
  });
});

describe('P3: what a transaction appends to a stream, it cannot read', () => {
  it.each(['', 'savepoint s'])('and is told so: %s', async (savepoint) => {
    await commit(3);
    const client = await database.connect();
    await client.query(`begin; ${savepoint}`);
    expect(await versions({}, client)).toEqual([1, 2, 3]);
    await append(client, { ...name, type: 'own', data: null });
    if (savepoint) await client.query('release savepoint s');
    expect(await versions({ to: 3 }, client)).toEqual([1, 2, 3]);
    await expect(versions({}, client)).rejects.toMatchObject({ code: 'EVENT_INVALID' });
    await client.query('commit');
    expect(await versions({}, client)).toEqual([1, 2, 3, 4]);
  });

  it('nor do others see it before the commit', async () => {
    const client = await database.connect();
    await client.query('begin');
    await append(client, { ...name, type: 'own', data: null });
    expect(await versions()).toEqual([]);
    await client.query('rollback');
  });
});

describe('P3: what retention has removed is never a silent hole:', () => {
  it('a read from a version that is kept succeeds, from one that is not kept fails', async () => {
    await commit(3);
    await beginPartition(database);
    await commit(2);
    await dropOldest(database);
    expect(await versions({ from: 4 })).toEqual([4, 5]);
    // At once: not one event is given that is not the one that was asked for.
    for (const from of [1, 3])
      await expect(readStream(database.pool, name, { from }).next()).rejects.toMatchObject(expired);
    await expect(versions({ from: 1, to: 2 })).rejects.toMatchObject(expired);
  });

  it('a stream of which nothing is kept is not an empty one', async () => {
    await commit(3);
    await beginPartition(database);
    await append(database.pool, { org: 'acme', type: 'other', data: null });
    await dropOldest(database);
    await expect(versions()).rejects.toMatchObject(expired);
    expect(await versions({ from: 4 })).toEqual([]);
  });

  it.each([0, 5])('a drop in mid-read ends the read, with %i events after it', async (later) => {
    await commit(600);
    await beginPartition(database);
    await append(database.pool, { org: 'acme', type: 'other', data: null });
    await commit(later);
    const reading = readStream(database.pool, name);
    expect((await reading.next()).value).toMatchObject({ version: 1 });
    await dropOldest(database);
    const rest = async () => {
      let last: number | undefined;
      for await (const { version } of reading) last = version;
      return last;
    };
    await expect(rest()).rejects.toMatchObject(expired);
  });
});
