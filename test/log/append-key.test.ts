import { randomUUID } from 'node:crypto';
import { drizzle } from 'drizzle-orm/node-postgres';
import type { Client } from 'pg';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { NewEvent } from '../../src/core/event.ts';
import { append } from '../../src/log/append.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { versionsInLog } from '../support/streams.ts';
import { untilBlocked } from '../support/transactions.ts';

let database: TestDatabase;
let first: Client;
let second: Client;
let org: string;

beforeAll(async () => {
  database = await createDatabase();
  first = await database.connect();
  second = await database.connect();
});

beforeEach(async () => {
  org = randomUUID();
  await first.query('rollback');
  await second.query('rollback');
});

const key = 'request 7: "ü"';
const event = (more: Partial<NewEvent> = {}): NewEvent => {
  return { org, stream: 's', type: 'paid', data: { by: 'kim', sum: 7 }, ...more };
};
const many = (count: number, more: Partial<NewEvent> = {}) =>
  Array.from({ length: count }, (_, n) => event({ data: n, ...more }));

async function loggedIds(): Promise<string[]> {
  const { rows } = await database.pool.query<{ id: string }>(
    'select id from commitcast.log where org_id = $1 order by position',
    [org],
  );
  return rows.map(({ id }) => id);
}

describe('an append that comes again with its key', () => {
  const calls: Record<string, () => NewEvent[]> = {
    'one event': () => [event()],
    'events with and without a stream': () => [event(), event({ stream: undefined }), event({ stream: 't' })],
    'several statements by number': () => many(1_203),
    'several statements by size': () => many(9, { data: 'x'.repeat(250_000) }),
  };

  it.each(Object.entries(calls))(
    'appends nothing and returns the ids of the first time: %s',
    async (_, make) => {
      const ids = await append(first, make(), { key });
      expect(new Set(ids).size).toBe(make().length);
      expect(await append(first, make(), { key })).toEqual(ids);
      expect(await drizzle(second).transaction((tx) => append(tx, make(), { key }))).toEqual(ids);
      expect(await loggedIds()).toEqual(ids);
    },
  );

  it('also within the same transaction, and after a savepoint that kept it', async () => {
    await first.query('begin; savepoint s');
    const ids = await append(first, event(), { key });
    await first.query('release s');
    expect(await append(first, event(), { key })).toEqual(ids);
    await first.query('commit');
    expect(await loggedIds()).toEqual(ids);
  });

  it('appends when the first one was rolled back', async () => {
    await first.query('begin');
    await append(first, event(), { key });
    await first.query('rollback; begin; savepoint s');
    await append(first, event(), { key });
    await first.query('rollback to s');
    const ids = await append(first, event(), { key });
    await first.query('commit');
    expect(await loggedIds()).toEqual(ids);
  });

  it.each(['read committed', 'repeatable read', 'serializable'])(
    'waits for the first one, and gets its ids when it commits (%s)',
    async (level) => {
      await first.query('begin');
      const ids = await append(first, many(501), { key });
      await second.query(`begin isolation level ${level}`);
      const waiting = append(second, many(501), { key }).catch((error: unknown) => error);
      await untilBlocked(database, second);
      await first.query('commit');
      // Its snapshot is older than what it would have to read: it begins again.
      if (level === 'read committed') expect(await waiting).toEqual(ids);
      else expect(await waiting).toMatchObject({ code: '40001' });
      await second.query('commit');
      expect(await append(second, many(501), { key })).toEqual(ids);
      expect(await loggedIds()).toEqual(ids);
    },
  );

  it('waits for the first one, and appends when it rolls back', async () => {
    await first.query('begin');
    await append(first, event(), { key });
    const waiting = append(second, event(), { key });
    await untilBlocked(database, second);
    await first.query('rollback');
    const ids = await waiting;
    expect(await loggedIds()).toEqual(ids);
    expect(await versionsInLog(database.pool, org)).toEqual(['s 1']);
  });

  it('is the same append whatever version it expects now, and however long that is to say', async () => {
    const ids = await append(first, event({ expectedVersion: 'none' }), { key: 'small' });
    expect(await append(first, event({ expectedVersion: 1 }), { key: 'small' })).toEqual(ids);
    // Ten fill a statement, but for a few bytes.
    const size = 104_857 - JSON.stringify(event({ data: '' })).length;
    const expecting = (expectedVersion: NewEvent['expectedVersion']) =>
      many(28, { data: 'x'.repeat(size), expectedVersion });
    const large = await append(first, expecting(undefined), { key: 'large' });
    for (const version of [1, 1_000_000_000, 'none', 'any'] as const)
      expect(await append(first, expecting(version), { key: 'large' })).toEqual(large);
    expect(await loggedIds()).toEqual([...ids, ...large]);
  });

  it('is the same append whatever order its fields have', async () => {
    const ids = await append(first, event(), { key });
    const turned = Object.fromEntries(Object.entries(event()).toReversed()) as unknown as NewEvent;
    expect(await append(first, { ...turned, data: { sum: 7, by: 'kim' } }, { key })).toEqual(ids);
  });
});

describe('a key', () => {
  it('of another org, or another key, is another append', async () => {
    const other = `${org}-2`;
    const ids = [
      ...(await append(first, event(), { key })),
      ...(await append(first, event({ org: other }), { key })),
      ...(await append(first, event(), { key: `${key}.` })),
    ];
    expect(new Set(ids).size).toBe(3);
    expect(await versionsInLog(database.pool, org)).toEqual(['s 1', 's 2']);
    expect(await versionsInLog(database.pool, other)).toEqual(['s 1']);
  });

  it('is not taken by an append that was refused', async () => {
    await expect(append(first, event({ expectedVersion: 3 }), { key })).rejects.toMatchObject({
      code: 'VERSION_CONFLICT',
    });
    const ids = await append(first, event({ expectedVersion: 'none' }), { key });
    expect(await loggedIds()).toEqual(ids);
  });

  const others: Record<string, [was: () => NewEvent[], is: () => NewEvent[]]> = {
    'other data': [() => [event()], () => [event({ data: { by: 'kim', sum: 8 } })]],
    'another stream': [() => [event()], () => [event({ stream: 't' })]],
    'an id': [() => [event()], () => [event({ id: randomUUID() })]],
    'one event more': [() => [event()], () => [event(), event()]],
    'a statement more': [() => many(500), () => many(501)],
    'a statement less': [() => many(501), () => many(500)],
    'another end': [() => many(501), () => [...many(500), event()]],
    'another order': [() => many(2), () => many(2).toReversed()],
  };

  it.each(Object.entries(others))('is refused for other events: %s', async (_, [was, is]) => {
    const ids = await append(first, was(), { key });
    await first.query('begin');
    await expect(append(first, is(), { key })).rejects.toMatchObject({
      name: 'CommitcastError',
      code: 'KEY_REUSED',
    });
    await first.query('rollback');
    expect(await loggedIds()).toEqual(ids);
  });

  it.each([
    ['empty', ''],
    ['of 256 characters', 'k'.repeat(256)],
    ['with a newline', 'a\nb'],
    ['with half a surrogate pair', 'a\ud800'],
    ['that is null', null],
    ['that is a number', 7],
  ])('is refused when invalid: %s', async (_, bad) => {
    await expect(append(first, event(), { key: bad as string })).rejects.toMatchObject({
      code: 'EVENT_INVALID',
    });
    if (typeof bad !== 'string' || bad.includes('\ud800')) return;
    const called = first.query('select commitcast.append($1, $2)', [JSON.stringify([event()]), bad]);
    await expect(called).rejects.toMatchObject({ code: 'CC001' });
    expect(await loggedIds()).toEqual([]);
  });

  it.each([2, 501])('is of one org: %i events of two orgs are refused', async (count) => {
    const events = many(count);
    events.splice(-1, 1, event({ org: `${org}-2` }));
    await expect(append(first, events, { key })).rejects.toMatchObject({ code: 'EVENT_INVALID' });
    const called = first.query('select commitcast.append($1, $2)', [JSON.stringify(events), key]);
    await expect(called).rejects.toMatchObject({ code: 'CC001' });
    expect(await loggedIds()).toEqual([]);
  });

  it('that is forgotten while it is looked up is not forgotten halfway', async () => {
    await first.query(`select commitcast.forget_keys('0')`);
    const ids = await append(database.pool, event(), { key });
    await first.query('begin');
    expect(await append(first, event(), { key })).toEqual(ids);
    const { rows } = await second.query(`select commitcast.forget_keys('0') as forgotten`);
    expect(rows).toEqual([{ forgotten: '0' }]);
    await first.query('commit');
    await second.query(`select commitcast.forget_keys('0')`);
    expect(await append(first, event(), { key })).not.toEqual(ids);
  });
});
