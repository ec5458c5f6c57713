import { beforeAll, describe, expect, it } from 'vitest';
import type { CommitcastEvent } from '../../src/core/event.ts';
import { resolveOptions, type ConsumeOptions } from '../../src/consumer/options.ts';
import type { Subscription } from '../../src/core/subscription.ts';
import { formatCursor } from '../../src/core/cursor.ts';
import { append } from '../../src/log/append.ts';
import { readHead } from '../../src/log/head.ts';
import { readRooms } from '../../src/log/read-rooms.ts';
import { eventOf } from '../../src/log/wire-event.ts';
import { revoke } from '../../src/log/revoke.ts';
import { beginPartition } from '../log/drop-oldest.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { untilThrough } from './ledger.ts';

let database: TestDatabase;
let server: TestServer;

beforeAll(async () => {
  database = await createDatabase();
  for (const org of ['acme', 'rival']) {
    for (const site of [undefined, 's1', 's2']) {
      for (const unit of [undefined, 'u1', 'u2'])
        for (const type of ['opened', 'closed'])
          await append(database.pool, { org, site, unit, type, data: 0 });
    }
    await revoke(database.pool, { org, user: 'somebody' });
  }
});

let consumers = 0;

/** Everything that a new consumer is given, up to the end of the log. */
async function handled({
  name = `consumer-${consumers++}`,
  ...options
}: Partial<ConsumeOptions<unknown>>): Promise<CommitcastEvent[]> {
  const seen: CommitcastEvent[] = [];
  server.app.commitcast.consume(
    { name, batch: 3, ...(options as object) },
    (_tx, events) => void seen.push(...events),
  );
  await until(
    async () =>
      (await database.pool.query('select from commitcast.consumer where name = $1', [name])).rowCount,
  );
  await untilThrough(database.pool, name);
  return seen;
}

const subscriptions: Subscription[] = [
  {},
  { deep: true },
  { site: 's1' },
  { site: 's1', deep: true },
  { unit: 'u1' },
  { site: 's3', deep: true },
];

it('P4: a consumer with a scope is given what its subscription sees, and nothing of another org', async () => {
  server = await startServer(database);
  const { last } = await readHead(database.pool);
  await Promise.all(
    subscriptions.map(async (subscription) => {
      const range = { org: 'acme', subscriptions: [subscription], after: 0, upTo: last, limit: 1_000 };
      const events = (await readRooms(database.pool, range)).events.map(eventOf);
      const scope = { org: 'acme', ...subscription };
      expect(await handled({ scope }), JSON.stringify(scope)).toEqual(events);
      expect(await handled({ scope, partitions: 3, types: ['opened'] }), JSON.stringify(scope)).toEqual(
        events.filter(({ type }) => type === 'opened'),
      );
    }),
  );
});

it('a consumer is never handed a control event, whatever it asks for', async () => {
  server = await startServer(database);
  const all = await handled({});
  expect(all).toHaveLength(36);
  expect(all.filter(({ type }) => type.startsWith('commitcast.'))).toEqual([]);
  expect(await handled({ types: ['commitcast.revoked'] })).toEqual([]);
});

it('finds what is rare in a long log', async () => {
  const long = await createDatabase();
  const { app } = await startServer(long);
  const seen: unknown[] = [];
  // Its page has many more positions than are looked at in one go.
  await append(long.pool, { org: 'acme', type: 'rare', data: 1 });
  await beginPartition(long);
  await append(long.pool, { org: 'acme', type: 'often', data: 2 });
  await beginPartition(long);
  await append(long.pool, { org: 'acme', type: 'rare', data: 3 });
  app.commitcast.consume({ name: 'rare', types: ['rare'] }, (_tx, events) => {
    seen.push(...events.map(({ data }) => data));
  });
  await untilThrough(long.pool, 'rare');
  expect(seen).toEqual([1, 3]);
});

describe('from', () => {
  it('start, a cursor, now', async () => {
    server = await startServer(database);
    const { epoch, last } = await readHead(database.pool);
    expect(await handled({ from: 'start' })).toHaveLength(36);
    const after = await handled({ from: formatCursor({ epoch, position: 30 }) });
    expect(after.map(({ position }) => position)).toEqual([31, 32, 33, 34, 35, 36, 37]);
    expect(last).toBe(38);
    expect(await handled({ from: 'now' })).toEqual([]);
  });

  it('counts once: what is known of a consumer goes on where it was', async () => {
    server = await startServer(database);
    const { epoch } = await readHead(database.pool);
    expect(await handled({ name: 'known', from: formatCursor({ epoch, position: 30 }) })).toHaveLength(7);
    await server.close();
    server = await startServer(database);
    expect(await handled({ name: 'known', from: 'start' })).toEqual([]);
  });
});

it.for<[string, object]>([
  ['no name', { name: undefined }],
  ['a name with spaces', { name: 'two words' }],
  ['an unknown option', { speed: 3 }],
  ['from yesterday', { from: 'yesterday' }],
  ['no partitions', { partitions: 0 }],
  ['too many partitions', { partitions: 65 }],
  ['an empty batch', { batch: 0 }],
  ['half an attempt', { maxAttempts: 0.5 }],
  ['no types', { types: [] }],
  ['types that are no array', { types: 'opened' }],
  ['a scope without an org', { scope: { site: 's1' } }],
  ['a scope that is no subscription', { scope: { org: 'acme', unit: 'u1', deep: true } }],
  ['a way with poison that is none', { onPoison: 'skip' }],
  ['a timeout that is too short', { idleTimeoutMs: 10 }],
  ['reset that is no function', { reset: true }],
  ['a database that is none', { db: 'postgres://' }],
])('refuses %s: CONSUMER_INVALID', (_, wrong) => {
  expect(() => resolveOptions({ name: 'wrong', ...wrong }, () => undefined)).toThrow(
    expect.objectContaining({ code: 'CONSUMER_INVALID' }),
  );
});

it('refuses a handler that is none, and a name that is taken in this process: CONSUMER_INVALID', async () => {
  server = await startServer(database);
  const invalid = expect.objectContaining({ code: 'CONSUMER_INVALID' });
  expect(() => server.app.commitcast.consume({ name: 'wrong' }, undefined as never)).toThrow(invalid);
  server.app.commitcast.consume({ name: 'twice' }, () => undefined);
  expect(() => server.app.commitcast.consume({ name: 'twice' }, () => undefined)).toThrow(invalid);
});
