import { randomUUID } from 'node:crypto';
import { drizzle } from 'drizzle-orm/node-postgres';
import type { Client } from 'pg';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { VersionConflictError } from '../../src/core/errors.ts';
import type { NewEvent } from '../../src/core/event.ts';
import { sqlStateOf } from '../../src/db/sql-state.ts';
import { append } from '../../src/log/append.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { beginAt, insertInto, versionsInLog } from '../support/streams.ts';
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

const logged = () => versionsInLog(database.pool, org);
const event = (stream: string, expectedVersion?: NewEvent['expectedVersion']): NewEvent => {
  return {
    org,
    stream,
    type: 'tried',
    data: null,
    ...(expectedVersion === undefined ? {} : { expectedVersion }),
  };
};
const many = (count: number, stream: string, expectedVersion?: NewEvent['expectedVersion']) =>
  Array.from({ length: count }, () => event(stream, expectedVersion));
const levels = ['read committed', 'repeatable read', 'serializable'];
const beforeIt = { 'a new stream': 0, 'a stream of three': 3 };
const cases = levels.flatMap((level) =>
  Object.entries(beforeIt).map(([what, version]) => [level, what, version] as const),
);

/** The second writer expects what the first one did, and waits for it. */
async function race(level: string, version: number) {
  for (let n = 0; n < version; n += 1) await append(database.pool, event('s'));
  await beginAt(first, level);
  await beginAt(second, level);
  await append(first, event('s', version));
  return append(second, event('s', version)).then(
    () => 'won',
    (error: unknown) => error,
  );
}

describe('of two writers that expect the same version, the second waits for the first,', () => {
  it.each(cases)('and loses when it commits (%s, %s)', async (level, _what, version) => {
    const racing = race(level, version);
    await untilBlocked(database, second);
    await first.query('commit');
    const outcome = await racing;
    if (level === 'read committed')
      expect(outcome).toMatchObject({ code: 'VERSION_CONFLICT', expected: version, actual: version + 1 });
    else expect(outcome).toMatchObject({ code: '40001' });
    await second.query('commit');
    expect(await logged()).toHaveLength(version + 1);
  });

  it.each(cases)('and wins when it rolls back (%s, %s)', async (level, _what, version) => {
    const racing = race(level, version);
    await untilBlocked(database, second);
    await first.query('rollback');
    expect(await racing).toBe('won');
    await second.query('commit');
    expect((await logged()).at(-1)).toBe(`s ${version + 1}`);
    expect(await logged()).toHaveLength(version + 1);
  });

  it.each(['insert', 'append'])(
    'also when the second one is a plain INSERT or expects nothing (%s)',
    async (way) => {
      await first.query('begin');
      await append(first, event('s', 'none'));
      const waiting = way === 'insert' ? insertInto(second, org, 's') : append(second, event('s'));
      await untilBlocked(database, second);
      await append(first, event('s', 1));
      await first.query('commit');
      await waiting;
      expect(await logged()).toEqual(['s 1', 's 2', 's 3']);
    },
  );
});

describe('a VERSION_CONFLICT tells org, stream, expected and actual', () => {
  const ways: Record<string, (given: NewEvent) => Promise<unknown>> = {
    'through a pg client': (given) => append(first, given),
    'through a pool': (given) => append(database.pool, given),
    'through anything with query': (given) =>
      append({ query: (text, values) => first.query(text, values) }, given),
    'through a drizzle transaction': (given) => drizzle(first).transaction((tx) => append(tx, given)),
  };
  const expectations: [NewEvent['expectedVersion'], number][] = [
    ['none', 0],
    [0, 0],
    [1, 1],
    [3, 3],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  ];

  it.each(Object.entries(ways))('%s', async (_, way) => {
    const stream = `order/9: "ü" '%s'`;
    await append(database.pool, [event(stream), event(stream)]);
    for (const [expectedVersion, expected] of expectations) {
      const error = await way(event(stream, expectedVersion)).catch((failure: unknown) => failure);
      expect(error).toBeInstanceOf(VersionConflictError);
      expect(error).toMatchObject({ code: 'VERSION_CONFLICT', org, stream, expected, actual: 2 });
    }
    await expect(way(event('new', 4))).rejects.toMatchObject({ stream: 'new', expected: 4, actual: 0 });
    await way([event(stream, 2)] as unknown as NewEvent);
    expect(await logged()).toEqual([`${stream} 1`, `${stream} 2`, `${stream} 3`]);
  });

  it('and leaves nothing of its call, not even of other streams', async () => {
    await first.query('begin');
    await first.query('savepoint s');
    await expect(append(first, [event('a'), event('b', 7), event('c')])).rejects.toBeInstanceOf(
      VersionConflictError,
    );
    await first.query('rollback to s');
    await append(first, event('c', 'none'));
    await first.query('commit');
    expect(await logged()).toEqual(['c 1']);
  });
});

describe('what is expected is the version before the call, also in a call of several statements:', () => {
  it.each([
    ['all say it', () => many(1_203, 's', 2)],
    ['the first says it', () => [event('s', 2), ...many(1_202, 's')]],
    ['the last says it', () => [...many(1_202, 's'), event('s', 2)]],
    ['it is large', () => many(9, 's', 2).map((one) => ({ ...one, data: 'x'.repeat(250_000) }))],
  ])('%s', async (_, make) => {
    await append(database.pool, many(2, 's'));
    const events = make();
    await first.query('begin');
    await append(first, events);
    await first.query('commit');
    expect(await logged()).toEqual(Array.from({ length: events.length + 2 }, (_unused, n) => `s ${n + 1}`));
    await first.query('begin');
    await expect(append(first, events)).rejects.toMatchObject({ expected: 2, actual: events.length + 2 });
  });

  it('events of one stream that expect different versions are refused', async () => {
    const given = [event('s', 1), event('t', 2), event('s', 2)];
    await expect(append(first, given)).rejects.toMatchObject({ code: 'EVENT_INVALID' });
    await expect(append(first, { org, type: 'x', data: null, expectedVersion: 1 })).rejects.toMatchObject({
      code: 'EVENT_INVALID',
    });
  });
});

describe('streams do not stand in the way of others:', () => {
  it.each([2, 700])(
    'calls of %i events that touch the same streams in opposite order do not deadlock',
    async (count) => {
      const names = Array.from({ length: count }, (_unused, n) => `s${n}`);
      const calls = [names, names.toReversed()].flatMap((order) => [order, order, order]);
      const clients = await Promise.all(calls.map(() => database.connect()));
      await Promise.all(
        calls.map(async (order, n) => {
          const client = clients[n] as Client;
          for (let round = 0; round < (count > 100 ? 3 : 30); round += 1) {
            await client.query('begin');
            await append(
              client,
              order.map((stream) => event(stream)),
            );
            await client.query('commit');
          }
        }),
      );
      await Promise.all(clients.map((client) => client.end()));
      expect(await logged()).toHaveLength(count * 6 * (count > 100 ? 3 : 30));
    },
  );

  it.each(['append', 'append with a key', 'insert'])(
    'serializable writers on different streams both win (%s)',
    async (way) => {
      for (const [client, stream] of [
        [first, 'a'],
        [second, 'b'],
      ] as const) {
        await client.query('begin isolation level serializable');
        const options = way === 'append with a key' ? { key: `key of ${stream}` } : {};
        if (way === 'insert') await insertInto(client, org, stream);
        else await append(client, event(stream, 'none'), options);
      }
      await first.query('commit');
      await second.query('commit');
      expect(await logged()).toEqual(['a 1', 'b 1']);
    },
  );

  it('a stream of one org says nothing of the same name in another', async () => {
    await append(first, event('s', 'none'));
    await append(first, { ...event('s', 'none'), org: `${org}-2` });
    expect(await versionsInLog(database.pool, `${org}-2`)).toEqual(['s 1']);
  });

  it('an error that is no refusal stays what it is', async () => {
    await first.query('begin');
    await first.query('select 1 / 0').catch(() => undefined);
    const error = await append(first, event('s', 3)).catch((failure: unknown) => failure);
    expect(sqlStateOf(error)).toBe('25P02');
  });
});
