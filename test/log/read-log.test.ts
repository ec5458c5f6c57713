import { drizzle } from 'drizzle-orm/node-postgres';
import { beforeEach, describe, expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { openEpoch } from '../../src/log/epoch.ts';
import { readLog, type ReadLogOptions } from '../../src/log/read-log.ts';
import type { Transaction } from '../../src/log/transaction.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createGate } from '../support/gate.ts';
import { insertEvent } from '../support/transactions.ts';
import { until } from '../support/until.ts';
import { beginPartition, dropOldest } from './drop-oldest.ts';

let database: TestDatabase;
let db: TestDatabase['pool'];

beforeEach(async () => {
  database = await createDatabase();
  db = database.pool;
});

const commit = async (...types: string[]) => {
  for (const type of types) await insertEvent(db, type);
};
const many = (count: number) =>
  append(
    db,
    Array.from({ length: count }, (_, data) => ({ org: 'acme', type: 'counted', data })),
  );

/** What is read, as it grows. */
function start(options: ReadLogOptions = {}, from: Transaction = db) {
  const types: string[] = [];
  const read = async () => {
    for await (const { type } of readLog(from, options)) types.push(type);
    return types;
  };
  const done = read();
  done.catch(() => undefined);
  return { types, done };
}
const read = (options?: ReadLogOptions, from?: Transaction) => start(options, from).done;

describe('the log is read', () => {
  it('whole: all orgs, in commit order, without control events, over several pages', async () => {
    await many(700);
    await db.query(`select commitcast.revoke('acme', 'kim')`);
    await append(db, { org: 'other', unit: 'u1', type: 'last', data: null });
    const types = [...Array.from({ length: 700 }, () => 'counted'), 'last'];
    expect(await read()).toEqual(types);
    expect(await read({}, drizzle(db))).toEqual(types);
  });

  it('by scope and types, up to a limit', async () => {
    await append(db, [
      { org: 'acme', type: 'a', data: null },
      { org: 'other', type: 'a', data: null },
      { org: 'acme', site: 's1', unit: 'u1', type: 'b', data: null },
      { org: 'acme', unit: 'u2', type: 'a', data: null },
    ]);
    const seen = async (options: ReadLogOptions) => {
      const positions = [];
      for await (const { position } of readLog(db, options)) positions.push(position);
      return positions;
    };
    expect(await seen({ scope: { org: 'acme', deep: true } })).toEqual([1, 3, 4]);
    expect(await seen({ scope: { org: 'acme', site: 's1', deep: true } })).toEqual([3]);
    expect(await seen({ scope: { org: 'acme', deep: true }, types: ['a'] })).toEqual([1, 4]);
    expect(await seen({ types: ['a'], limit: 2 })).toEqual([1, 2]);
  });

  it('after a position, or a cursor of this epoch or of one before', async () => {
    await commit('1', '2');
    const before = await openEpoch(db);
    const now = await openEpoch(db, { force: true });
    await commit('3', '4');
    expect(await read({ after: 3 })).toEqual(['4']);
    expect(await read({ after: `${now}-1` })).toEqual(['2', '3', '4']);
    expect(await read({ after: `${before}-2` })).toEqual(['3', '4']);
    for (const after of [`${before}-3`, `${now}-5`, 'abcdefgh-0', 'x', 5])
      await expect(read({ after }), String(after)).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
  });

  it('up to what was there when the reading began, and no further', async () => {
    await many(501);
    const reading = readLog(db);
    await reading.next();
    await commit('later');
    const rest = [];
    for await (const { type } of reading) rest.push(type);
    expect(rest).toEqual(Array.from({ length: 500 }, () => 'counted'));
  });

  it.each<[ReadLogOptions, string]>([
    [{ after: -1 }, 'CURSOR_INVALID'],
    [{ limit: 0 }, 'LIMIT_INVALID'],
    [{ types: 'door.opened' as unknown as string[] }, 'EVENT_INVALID'],
    [{ scope: { org: 'a:b' } }, 'SUBSCRIPTION_INVALID'],
    [{ scope: { org: 'acme', unit: 'u1', deep: true } as never }, 'SUBSCRIPTION_INVALID'],
  ])('not with %j', async (options, code) => {
    await expect(read(options)).rejects.toMatchObject({ code });
  });
});

describe('P3: a commit in progress', () => {
  it('is waited for: its event is neither skipped nor read over', async () => {
    const gate = await createGate(database);
    await commit('first');
    await gate.close();
    const held = await gate.commitHeld();
    await commit('last');
    let looks = 0;
    const watched: Transaction = {
      query(text: string, values?: unknown[]) {
        if (text.includes('pg_locks')) looks += 1;
        return db.query(text, values);
      },
    };
    const reading = start({}, watched);
    // Who holds it has been looked at again and again.
    await until(() => looks > 3);
    expect(reading.types).toEqual(['first']);
    await gate.open();
    await held.done;
    expect(await reading.done).toEqual(['first', 'held', 'last']);
  });

  it('that fails leaves no trace', async () => {
    const gate = await createGate(database);
    await gate.close();
    const held = await gate.commitHeld('held.fails');
    await commit('last');
    const reading = start();
    await gate.open();
    await expect(held.done).rejects.toThrow('failed');
    expect(await reading.done).toEqual(['last']);
  });

  it('is not waited for in a snapshot, which would never show it', async () => {
    const gate = await createGate(database);
    await commit('first');
    await gate.close();
    const held = await gate.commitHeld();
    await commit('last');
    const client = await database.connect();
    await client.query('begin isolation level repeatable read');
    await expect(read({}, client)).rejects.toMatchObject({ code: 'SNAPSHOT_UNSETTLED' });
    await gate.open();
    await held.done;
    await expect(read({}, client)).rejects.toMatchObject({ code: 'SNAPSHOT_UNSETTLED' });
    await client.query('rollback; begin isolation level repeatable read');
    expect(await read({}, client)).toEqual(['first', 'held', 'last']);
    await client.query('rollback; set default_transaction_isolation = serializable');
    expect(await read({}, client)).toEqual(['first', 'held', 'last']);
  });

  it('is waited for no longer than the signal allows', async () => {
    const gate = await createGate(database);
    await gate.close();
    const held = await gate.commitHeld();
    await commit('last');
    const ending = new AbortController();
    const reading = start({ signal: ending.signal });
    ending.abort(new Error('enough'));
    await expect(reading.done).rejects.toThrow('enough');
    await gate.open();
    await held.done;
  });
});

it('P2, P3: under live writers each reading is the log up to some position, with nothing missing', async () => {
  const ended = new AbortController();
  const writers = Array.from({ length: 6 }, async () => {
    for (let n = 0; n < 60; n++) await commit('live');
  });
  const done = Promise.all(writers).finally(() => {
    ended.abort();
  });
  const readings: number[][] = [];
  while (!ended.signal.aborted) {
    const positions = [];
    for await (const { position } of readLog(db)) positions.push(position);
    readings.push(positions);
  }
  await done;
  const { rows } = await db.query<{ position: string }>('select position from commitcast.log order by 1');
  const log = rows.map(({ position }) => Number(position));
  expect(log).toHaveLength(360);
  for (const positions of readings) expect(positions).toEqual(log.slice(0, positions.length));
});

describe('P3: a history that is not what it was:', () => {
  it('below what is kept, HISTORY_EXPIRED; by default it begins at the oldest that is', async () => {
    await commit('old');
    await beginPartition(database);
    await commit('new');
    await dropOldest(database);
    expect(await read()).toEqual(['new']);
    for (const after of [0, 1, `${await openEpoch(db)}-1`])
      await expect(read({ after })).rejects.toMatchObject({ code: 'HISTORY_EXPIRED' });
  });

  it('a drop in mid-read, HISTORY_EXPIRED', async () => {
    await many(600);
    await beginPartition(database);
    await commit('new');
    const reading = readLog(db);
    await reading.next();
    await dropOldest(database);
    const rest = async () => {
      for await (const { type } of reading) if (type === 'new') return;
    };
    await expect(rest()).rejects.toMatchObject({ code: 'HISTORY_EXPIRED' });
  });

  it('an epoch that is replaced in mid-read, UNAVAILABLE', async () => {
    await many(600);
    const reading = readLog(db);
    await reading.next();
    await openEpoch(db, { force: true });
    const rest = async () => {
      for await (const { position } of reading) if (position === 600) return;
    };
    await expect(rest()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});
