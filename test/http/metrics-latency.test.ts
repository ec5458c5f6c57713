import { expect, it } from 'vitest';
import type { Executor } from '../../src/db/executor.ts';
import { DeliveryTimes } from '../../src/gateway/delivery-times.ts';
import { DeliveryLatency } from '../../src/http/delivery-latency.ts';
import { append } from '../../src/log/append.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { scrape, type Series } from './metrics-scrape.ts';

const dispatch = 'commitcast_commit_to_dispatch_seconds';
const write = 'commitcast_commit_to_write_seconds';

function scrapedUntil(url: string, isThere: (series: Series) => boolean) {
  return until(async () => {
    const series = await scrape(url);
    return isThere(series) && series;
  });
}

it('the latency of an event is that from its commit, not from its insert, to its connections', async () => {
  const database = await createDatabase();
  const { url } = await startServer(database);
  const client = await connectClient(url);
  await client.live();
  // From the first scrape on there are samples.
  expect(await scrape(url)).toMatchObject({ [`${dispatch}_count`]: 0, [`${write}_count`]: 0 });
  await database.pool.query(
    `insert into commitcast.outbox (org_id, type, data, created_at) values ('acme', 'note', '{}', '2001-01-01')`,
  );
  const series = await scrapedUntil(url, (seen) => seen[`${write}_count`] === 1);
  expect(series[`${dispatch}_count`]).toBe(1);
  const [dispatched = 0, written = 0] = [series[`${dispatch}_sum`], series[`${write}_sum`]];
  expect(dispatched).toBeGreaterThan(0);
  expect(written).toBeGreaterThanOrEqual(dispatched);
  expect(written).toBeLessThan(60);
  expect(series[`${write}_bucket{le="+Inf"}`]).toBe(1);
});

it('an event that nobody follows is dispatched, and written to nobody', async () => {
  const database = await createDatabase();
  const { url } = await startServer(database);
  await scrape(url);
  await append(database.pool, { org: 'acme', type: 'note', data: null });
  const series = await scrapedUntil(url, (seen) => seen[`${dispatch}_count`] === 1);
  expect(series).toMatchObject({
    [`${write}_count`]: 0,
    commitcast_written_messages_total: 0,
    commitcast_dispatch_batch_events_sum: 1,
  });
});

/** A database whose clock is far from ours, and which gave every position an instant ago. */
function databaseAhead(aheadMs: number, committedMs: number): Executor {
  return {
    async query(text, values) {
      const now = Date.now() + aheadMs;
      if (!text.includes('committed_at')) return { rows: [{ now }] };
      const positions = values?.[0] as number[];
      return { rows: positions.map((position) => ({ position: String(position), at: now - committedMs })) };
    },
  };
}

it.each([-3_600_000, 0, 3_600_000])('a clock that is %d ms ahead changes no latency', async (aheadMs) => {
  const times = new DeliveryTimes();
  const latency = new DeliveryLatency(times);
  await latency.collect(databaseAhead(aheadMs, 0));
  times.dispatched(1);
  times.written(true);
  await latency.collect(databaseAhead(aheadMs, 2_000));
  expect(latency.toDispatch.count).toBe(1);
  expect(latency.toWrite.sum).toBeGreaterThan(1);
  expect(latency.toWrite.sum).toBeLessThan(3);
});

it('a latency is never below 0, whatever a clock that was put back says', async () => {
  const times = new DeliveryTimes();
  const latency = new DeliveryLatency(times);
  times.take();
  times.dispatched(1);
  await latency.collect(databaseAhead(0, -60_000));
  expect([latency.toDispatch.count, latency.toDispatch.sum]).toEqual([1, 0]);
});

it('of very many batches a bounded sample is kept, in which the last have the same chance as the first', () => {
  const times = new DeliveryTimes();
  times.dispatched(0);
  expect(times.take()).toEqual([]);
  const total = 20_000;
  for (let position = 1; position <= total; position += 1) {
    times.dispatched(position);
    times.written(position % 2 === 0);
  }
  const samples = times.take();
  expect(samples).toHaveLength(256);
  const late = samples.filter(({ position }) => position > total / 2).length;
  // 128 are to be expected, with a deviation of 8.
  expect(Math.abs(late - 128)).toBeLessThan(64);
  for (const { position, writtenAt } of samples) expect(writtenAt !== undefined).toBe(position % 2 === 0);
  expect(times.take()).toEqual([]);
});
