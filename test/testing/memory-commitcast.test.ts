import { EventEmitter, once } from 'node:events';
import { sql } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { memoryCommitcast } from '../../src/testing/memory-commitcast.ts';
import type { MemoryTransaction } from '../../src/testing/memory-transaction.ts';

const note = (data: unknown) => ({ org: 'acme', type: 'note', data });

it('events are visible when the work resolves, in order, with positions; none when it rejects', async () => {
  const memory = memoryCommitcast();
  const ids = await memory.transaction(async (tx) => {
    const [first] = await append(tx, note(1));
    const others = await append(tx, [note(2), { ...note(3), site: 's1', unit: 'u1' }]);
    expect(memory.events).toEqual([]);
    return [first, ...others];
  });
  expect(memory.events).toMatchObject([
    { position: 1, id: ids[0], org: 'acme', type: 'note', data: 1 },
    { position: 2, id: ids[1], data: 2 },
    { position: 3, id: ids[2], data: 3, site: 's1', unit: 'u1' },
  ]);
  expect(new Date(memory.events[0]?.time ?? '').toISOString()).toBe(memory.events[0]?.time);

  const failure = new Error('out of stock');
  const failed = memory.transaction(async (tx) => {
    await append(tx, note(4));
    throw failure;
  });
  await expect(failed).rejects.toBe(failure);
  expect(memory.events).toHaveLength(3);
});

it('transactions commit in the order in which they end, however early they appended', async () => {
  const memory = memoryCommitcast();
  const gate = new EventEmitter();
  const early = memory.transaction(async (tx) => {
    await append(tx, note('early'));
    await once(gate, 'open');
  });
  await memory.transaction((tx) => append(tx, note('late')));
  gate.emit('open');
  await early;
  expect(memory.events.map(({ data }) => data)).toEqual(['late', 'early']);
});

it('append works over drizzle’s execute as well', async () => {
  const memory = memoryCommitcast();
  await memory.transaction((tx) =>
    append({ execute: (query) => tx.execute(query) }, [note({ a: [1, null] }), note(null)]),
  );
  expect(memory.events.map(({ data }) => data)).toEqual([{ a: [1, null] }, null]);
});

it('other statements go to onQuery, or are refused', async () => {
  const asked: unknown[] = [];
  const memory = memoryCommitcast({
    onQuery: (text, values) => {
      asked.push([text, values]);
      return { rows: [{ door: 'open' }] };
    },
  });
  const rows = await memory.transaction(async (tx) => {
    await tx.execute(sql`select ${7}::int`);
    return tx.query('update truck set door = $1 returning door', ['open']);
  });
  expect(rows).toEqual({ rows: [{ door: 'open' }] });
  expect(asked).toEqual([
    ['select $1::int', [7]],
    ['update truck set door = $1 returning door', ['open']],
  ]);
  const alone = memoryCommitcast().transaction((tx) => tx.query('select 1'));
  await expect(alone).rejects.toMatchObject({ name: 'TestingError', code: 'UNEXPECTED_QUERY' });
  // An insert by hand is a statement of the business: the double does not pretend to parse SQL.
  const byHand = memoryCommitcast().transaction((tx) =>
    tx.query(`insert into commitcast.outbox (org_id, type, data) values ('acme', 'x', '{}')`),
  );
  await expect(byHand).rejects.toMatchObject({ code: 'UNEXPECTED_QUERY' });
});

const deep = (depth: number): unknown => (depth === 0 ? 0 : [deep(depth - 1)]);
const refused: Record<string, [code: string, work: (tx: MemoryTransaction) => Promise<unknown>]> = {
  'a field of the wrong form': ['EVENT_INVALID', (tx) => append(tx, { ...note(1), org: 'a:b' })],
  'a reserved type': ['EVENT_NAME_RESERVED', (tx) => append(tx, { ...note(1), type: 'commitcast.x' })],
  'data that is too large': ['EVENT_TOO_LARGE', (tx) => append(tx, note('x'.repeat(262_144)))],
  'meta that is too large': [
    'EVENT_TOO_LARGE',
    (tx) => append(tx, { ...note(1), meta: { x: 'x'.repeat(20_000) } }),
  ],
  'data that is nested too deep': ['EVENT_INVALID', (tx) => append(tx, note([deep(300), 'x'.repeat(600)]))],
  'a character that Postgres cannot store': ['EVENT_INVALID', (tx) => append(tx, note('a\u0000'))],
  'half a character': ['EVENT_INVALID', (tx) => append(tx, note({ '\ud800': 1 }))],
  'too many events': [
    'TOO_MANY_EVENTS',
    async (tx) => {
      for (let n = 0; n < 21; n++)
        await append(
          tx,
          Array.from({ length: 500 }, () => note(n)),
        );
    },
  ],
};

it.for(Object.entries(refused))(
  'refuses as the database does, and commits nothing: %s',
  async ([, [code, work]]) => {
    const memory = memoryCommitcast();
    await expect(memory.transaction(work)).rejects.toMatchObject({ name: 'CommitcastError', code });
    expect(memory.events).toEqual([]);
  },
);

it('takes what only looks like a character that cannot be stored, and pairs of surrogates', async () => {
  const memory = memoryCommitcast();
  await memory.transaction((tx) => append(tx, note(['\\u0000', '🚚'])));
  expect(memory.events[0]?.data).toEqual(['\\u0000', '🚚']);
});

it('a transaction with a failed statement cannot commit, and one that is over takes nothing', async () => {
  const memory = memoryCommitcast();
  const swallowed = memory.transaction(async (tx) => {
    await append(tx, note(1));
    await tx.query('select 1').catch(() => undefined);
  });
  await expect(swallowed).rejects.toMatchObject({
    code: 'TRANSACTION_ABORTED',
    cause: { code: 'UNEXPECTED_QUERY' },
  });
  let kept: MemoryTransaction | undefined;
  await memory.transaction((tx) => Promise.resolve((kept = tx)));
  await expect(append(kept as MemoryTransaction, note(2))).rejects.toMatchObject({
    code: 'TRANSACTION_OVER',
  });
  expect(memory.events).toEqual([]);
});

it('what one reader changes, nobody else sees', async () => {
  const memory = memoryCommitcast();
  const heard: unknown[] = [];
  memory.connect({ org: 'acme' }).on('events', ([event]) => {
    Object.assign(event?.data as object, { n: 0 });
  });
  memory.connect({ org: 'acme' }).on('events', ([event]) => heard.push(event?.data));
  await memory.transaction((tx) => append(tx, note({ n: 1 })));
  Object.assign(memory.events[0]?.data as object, { n: 2 });
  expect([heard, memory.events[0]?.data]).toEqual([[{ n: 1 }], { n: 1 }]);
});

it('reset: forgets events and subscribers, and cursors of before are unknown', async () => {
  const memory = memoryCommitcast();
  const heard: string[] = [];
  const subscriber = memory.connect({ org: 'acme' }).on('events', () => heard.push('before'));
  await memory.transaction((tx) => append(tx, note(1)));
  const { cursor } = subscriber;
  memory.connect({ org: 'acme' }).on('live', () => heard.push('live after all'));
  memory.reset();
  expect(memory.events).toEqual([]);
  memory.connect({ org: 'acme', cursor }).on('reset', ({ reason }) => heard.push(reason));
  await memory.transaction((tx) => append(tx, note(2)));
  expect(memory.events).toMatchObject([{ position: 1, data: 2 }]);
  expect(heard).toEqual(['before', 'unknown']);
});
