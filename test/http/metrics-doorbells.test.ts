import { expect, it } from 'vitest';
import { DoorbellCounts } from '../../src/fanout/doorbell-counts.ts';
import type { Doorbell, Fanout } from '../../src/fanout/doorbell.ts';
import { append } from '../../src/log/append.ts';
import { disturbAdapter } from '../../src/testing/disturb-adapter.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { atLeast, scrape } from './metrics-scrape.ts';

const heard = 'commitcast_doorbells_total{direction="heard"}';
const rung = 'commitcast_doorbells_total{direction="rung"}';

it('shows doorbells that were lost on their way, and the positions that were read without them', async () => {
  const database = await createDatabase();
  const leader = await startServer(database, { adapter: 'postgres' });
  await until(async () => (await scrape(leader.url))['commitcast_relay_leading'] === 1);
  const follower = await startServer(database, { adapter: 'postgres', relay: false });
  await until(async () => atLeast(await scrape(follower.url), { [heard]: 1 }));
  expect(await scrape(follower.url)).toMatchObject({
    'commitcast_adapter_up{adapter="postgres"}': 1,
    commitcast_doorbell_gaps_total: 0,
    [rung]: 0,
  });

  const disturbance = disturbAdapter(leader.app.commitcast.io, { drop: 1 });
  await append(database.pool, [
    { org: 'acme', type: 'one', data: null },
    { org: 'acme', type: 'two', data: null },
  ]);
  await until(async () => (await scrape(leader.url))['commitcast_dispatched_position'] === 2);
  await until(() => disturbance.counts.dropped > 0);
  disturbance.stop();
  // The next heartbeat says where the head is.
  const series = await until(async () => {
    const seen = await scrape(follower.url);
    return seen['commitcast_doorbell_gaps_total'] === 1 && seen;
  });
  expect(series['commitcast_backfilled_positions_total']).toBe(2);
  await until(async () => (await scrape(follower.url))['commitcast_dispatched_position'] === 2);
  expect(atLeast(await scrape(leader.url), { [rung]: 2 })).toBe(true);
});

/** What an instance counts when it hears and rings these, in turn. */
function countOf(...doorbells: (Doorbell & { rings?: boolean })[]) {
  const listeners: ((doorbell: Doorbell) => void)[] = [];
  const fanout: Fanout = {
    ring: () => undefined,
    onRing: (listener) => {
      listeners.push(listener);
      return () => undefined;
    },
  };
  const counts = new DoorbellCounts();
  const counted = counts.count(fanout);
  const passed: Doorbell[] = [];
  counted.onRing((doorbell) => passed.push(doorbell));
  for (const { rings = false, ...doorbell } of doorbells)
    if (rings) counted.ring(doorbell);
    else for (const hear of listeners) hear(doorbell);
  return { ...counts.report, passed: passed.length };
}

const of = (epoch: string, from: number, to: number, rings = false) => ({ epoch, from, to, rings });

it('no gap: doorbells in turn, repeated, late, of a leader that was elected meanwhile, or of another epoch', () => {
  expect(countOf(of('a', 7, 9), of('a', 9, 12), of('a', 9, 12), of('a', 7, 9), of('a', 12, 12))).toEqual({
    rung: 0,
    heard: 5,
    gaps: 0,
    missed: 0,
    passed: 5,
  });
  expect(countOf(of('a', 0, 9, true), of('a', 9, 20, true), of('a', 18, 25))).toMatchObject({
    rung: 2,
    gaps: 0,
  });
  expect(countOf(of('a', 0, 9), of('b', 500, 510), of('b', 510, 511))).toMatchObject({ gaps: 0 });
});

it('a gap: a doorbell that begins beyond all that was told', () => {
  expect(countOf(of('a', 7, 9), of('a', 12, 15), of('a', 15, 16), of('a', 20, 20))).toMatchObject({
    heard: 4,
    gaps: 2,
    missed: 7,
  });
});
