import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { listParked } from '../../src/consumer/list-parked.ts';
import { defineEvents, type DefinedEvent } from '../../src/core/define-events.ts';
import { append } from '../../src/log/append.ts';
import { readLog } from '../../src/log/read-log.ts';
import { readStream } from '../../src/log/read-stream.ts';
import { execute } from '../../src/stream/decider.ts';
import { loadState } from '../../src/stream/load-state.ts';
import { openClient } from '../client/integration/world.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';

/** What was released first, and wrote; then what is released now. */
const old = defineEvents({ deposited: z.object({ amount: z.number() }) });
const events = defineEvents({
  deposited: {
    version: 2,
    schema: z.object({ cents: z.string().transform(Number) }),
    upcast: { 1: ({ amount }: { amount: number }) => ({ cents: String(amount * 100) }) },
  },
});

const name = { org: 'acme', stream: 'account-7' };
const deposited = { type: 'deposited', ...name } as const;

/** One event of each version, in a stream of the org. */
async function writeBoth({ pool }: TestDatabase): Promise<void> {
  await append(pool, old.create({ ...deposited, data: { amount: 5 } }));
  await append(pool, events.create({ ...deposited, data: { cents: '250' } }));
}

const account = {
  initial: 0,
  evolve: (balance: number, event: { type: string; data: { cents: number | string } }) =>
    // A text would be appended, not added.
    (balance as never) + (event.data.cents as never),
  decide: (cents: string) => ({ type: 'deposited', data: { cents } }),
};

it('readStream, readLog and loadState give old events as the newest version', async () => {
  const database = await createDatabase();
  await writeBoth(database);
  const { pool } = database;
  const cents: number[] = [];
  for await (const { data } of readStream(pool, name, { events })) cents.push(data.cents);
  for await (const { data } of readLog(pool, { events })) cents.push(data.cents);
  expect(cents).toEqual([500, 250, 500, 250]);
  expect(await loadState(pool, name, { ...account, events })).toEqual({ state: 750, version: 2 });
  const stored: unknown[] = [];
  for await (const { data, meta } of readLog(pool)) stored.push({ data, meta });
  expect(stored).toEqual([
    { data: { amount: 5 }, meta: undefined },
    { data: { cents: '250' }, meta: { schemaVersion: 2 } },
  ]);
});

it('execute loads old events as the newest version, writes that, and returns the state as it will be loaded', async () => {
  const database = await createDatabase();
  await writeBoth(database);
  const { state } = await execute(database.pool, name, account, '1', { events });
  expect(state).toBe(751);
  expect(await loadState(database.pool, name, { ...account, events })).toEqual({ state: 751, version: 3 });
  await expect(execute(database.pool, name, account, 7 as never, { events })).rejects.toMatchObject({
    code: 'EVENT_INVALID',
  });
  expect((await loadState(database.pool, name, { ...account, events })).version).toBe(3);
});

it('a subscriber gets old events as the newest version, live and replayed', async () => {
  const database = await createDatabase();
  const { url } = await startServer(database);
  const first = openClient(url, { events });
  const live: unknown[] = [];
  first.subscribe({}).on('deposited', ({ data }) => live.push(data));
  await first.live();
  const { cursor } = first;
  await writeBoth(database);
  await until(() => live.length === 2);
  const second = openClient(url, { events });
  const replayed: unknown[] = [];
  second.subscribe({}, { from: cursor ?? '' }).on('deposited', ({ data }) => replayed.push(data));
  await until(() => replayed.length === 2);
  expect([live, replayed]).toEqual([
    [{ cents: 500 }, { cents: 250 }],
    [{ cents: 500 }, { cents: 250 }],
  ]);
});

it('a subscriber that is older than an event fails with EVENT_INVALID, and has had what came before', async () => {
  const database = await createDatabase();
  const { url } = await startServer(database);
  const client = openClient(url, { events: old });
  const handle = client.subscribe({});
  const seen: unknown[] = [];
  handle.on('deposited', ({ data }) => seen.push(data));
  await client.live();
  await writeBoth(database);
  await until(() => handle.state.name === 'failed');
  expect(seen).toEqual([{ amount: 5 }]);
  expect(handle.state).toMatchObject({
    error: {
      code: 'EVENT_INVALID',
      message: 'deposited: written as version 2, and only versions up to 1 are known here',
    },
  });
});

it('a durable consumer gets old events as the newest version; one that is newer is parked, and told', async () => {
  const database = await createDatabase();
  await writeBoth(database);
  const { app } = await startServer(database);
  const seen: unknown[] = [];
  const consumer = app.commitcast.consume({ name: 'cents', events }, (_tx, page) => {
    seen.push(...page.map(({ data }: DefinedEvent<(typeof events)['schemas']>) => data.cents));
  });
  const parked: number[] = [];
  const outdated = app.commitcast.consume(
    { name: 'outdated', events: old, onPoison: 'park-stream', maxAttempts: 1 },
    (_tx, page) => {
      parked.push(...page.map(({ data }) => data.amount));
    },
  );
  onTestFinished(async () => {
    await consumer.stop();
    await outdated.stop();
  });
  await until(() => seen.length === 2);
  expect(seen).toEqual([500, 250]);
  const [found] = await until(async () => {
    const list = await listParked(database.pool, 'outdated');
    return list.length > 0 && list;
  });
  expect(found).toMatchObject({
    position: 2,
    error: 'CommitcastError: deposited: written as version 2, and only versions up to 1 are known here',
  });
  expect(parked.every((amount) => amount === 5)).toBe(true);
});

it('a consumer is refused when its events are not what defineEvents returns: CONSUMER_INVALID', async () => {
  const database = await createDatabase();
  const { app } = await startServer(database);
  expect(() => app.commitcast.consume({ name: 'none', events: {} as never }, () => undefined)).toThrow(
    expect.objectContaining({ code: 'CONSUMER_INVALID', message: 'events: is what defineEvents returns' }),
  );
});
