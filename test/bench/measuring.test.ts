import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import { expect, onTestFinished, test } from 'vitest';
import { Releasers } from '../../src/core/service.ts';
import { createDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';
import type { Bench } from './harness/row.ts';
import { highestRate } from './rows/02-throughput/search.ts';
import { nowUs } from './support/answer.ts';
import { percentile, summarize } from './support/samples.ts';
import { startSubscribers } from './support/subscribers.ts';
import { startWriter } from './support/writer.ts';

const absent = () => Promise.reject(new Error('not in this test'));
const event = (position: number, n: number) => ({ position, data: { due: nowUs() - 1_000_000, n } });

function aBench(): Bench {
  const releasers = new Releasers();
  onTestFinished(() => releasers.release());
  return {
    size: 'smoke',
    database: absent,
    folder: absent,
    releasers,
    cores: { server: undefined, load: undefined },
    progress: () => undefined,
  };
}

test('a percentile is a sample, by nearest rank, and that of all samples together', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  expect([0, 0.5, 0.99, 0.995, 1].map((share) => percentile(hundred, share))).toEqual([1, 50, 99, 100, 100]);
  expect(percentile([], 0.5)).toBeNaN();
  expect(summarize([hundred.toReversed(), [1_000]])).toEqual({
    count: 101,
    p50: 51,
    p90: 91,
    p99: 100,
    max: 1_000,
  });
});

test('the highest rate is doubled until it does not hold, then halved between', async () => {
  const tried: number[] = [];
  const upTo = (most: number) => async (rate: number) => {
    tried.push(rate);
    return rate <= most;
  };
  expect(await highestRate({ from: 100, steps: 6, highest: 10_000 }, upTo(550))).toBe(500);
  expect(tried).toEqual([100, 200, 400, 800, 600, 500]);
});

test('subscribers tell what was missed, doubled and out of order, and how late it was', async () => {
  const server = createServer();
  const io = new Server(server);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => io.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const subscribers = await startSubscribers(aBench(), { url, clients: 2, kind: 'socket.io' });
  await subscribers.connect();
  io.emit('events', [event(1, 0), event(2, 1)]);
  const { latencyUs, ...right } = await subscribers.result(2);
  expect(right).toEqual({ missed: 0, doubled: 0, disordered: 0 });
  expect(latencyUs.count).toBe(4);
  expect(latencyUs.p50).toBeGreaterThanOrEqual(1_000_000);

  await subscribers.reset();
  io.emit('events', [event(3, 2), event(3, 2), event(5, 4), event(4, 3)]);
  const wrong = await subscribers.result(3);
  expect(wrong).toMatchObject({ missed: 0, doubled: 2, disordered: 4 });
  const { missed } = await subscribers.result(5, { patienceMs: 200 });
  expect(missed).toBe(4);
});

test('a writer sends each transaction at its own time, and numbers events over all of its runs', async () => {
  const database = await createDatabase();
  const writer = await startWriter(aBench(), { databaseUrl: database.url });
  await writer.run({ perSecond: 100, seconds: 0.2, units: 2 });
  const { first, sent } = await writer.run({
    perSecond: 50,
    seconds: 0.2,
    eventsPerTransaction: 3,
    units: 2,
  });
  expect({ first, sent }).toEqual({ first: 20, sent: 30 });

  const { rows } = await database.pool.query<{ unit: string; n: number; due: string }>(
    `select unit_id as unit, (data->>'n')::int as n, data->>'due' as due from commitcast.log order by n`,
  );
  expect(rows.map(({ n }) => n)).toEqual(Array.from({ length: 50 }, (_, n) => n));
  expect(rows.every(({ unit, n }) => unit === `u${n % 2}`)).toBe(true);
  const due = rows.map((row) => Number(row.due));
  expect(due.slice(0, 20).map((us) => us - (due[0] ?? 0))).toEqual(
    Array.from({ length: 20 }, (_, k) => k * 10_000),
  );
  expect(due.slice(20).map((us) => us - (due[20] ?? 0))).toEqual(
    Array.from({ length: 30 }, (_, n) => Math.floor(n / 3) * 20_000),
  );
});

test('a transaction that takes long does not delay the next one', async () => {
  const database = await createDatabase();
  await database.pool.query('create table sent (n int, at timestamptz default clock_timestamp())');
  const writer = await startWriter(aBench(), { databaseUrl: database.url, connections: 4 });
  // The first one waits for a lock that is let go when the others are there.
  const holder = await database.connect();
  await holder.query('select pg_advisory_lock(1)');
  const run = writer.run({
    perSecond: 100,
    seconds: 0.1,
    statement: `insert into sent (n) select n from (select (:event::jsonb->>'n')::int as n) as event
      where n > 0 or pg_advisory_xact_lock(1) is not null`,
  });
  await until(async () => {
    const { rows } = await database.pool.query<{ others: number }>(
      'select count(*)::int as others from sent where n > 0',
    );
    return rows[0]?.others === 9;
  });
  await holder.query('select pg_advisory_unlock(1)');
  expect((await run).sent).toBe(10);
});
