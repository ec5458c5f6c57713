import { expect, it } from 'vitest';
import { assess } from '../../src/console/operator/health.ts';
import { followHeld, isLong } from '../../src/console/operator/held.ts';
import { nameInstances } from '../../src/console/operator/instances.ts';
import { bytesOf, rateOf, spanOf } from '../../src/console/operator/quantities.ts';
import { figuresOf, rateSeries, recentRate, steadyLag } from '../../src/console/operator/series.ts';
import type { ConsumerStatus, InstanceStatus, StatusAnswer, StatusSample } from '../../src/core/status.ts';

const instance = (id: string, changes: Partial<InstanceStatus> = {}): InstanceStatus => ({
  id,
  kind: 'serve',
  host: id,
  pid: 1,
  version: '1.0.0',
  upMs: 60_000,
  seenAgeMs: 0,
  report: {
    node: '20.20.0',
    rssBytes: 1,
    adapter: { name: 'postgres', state: 'ok' },
    relay: null,
    gateway: null,
    errors: { warnings: 0, errors: 0, recent: [] },
  },
  ...changes,
});

const answer = (changes: Partial<StatusAnswer> = {}): StatusAnswer => ({
  instance: 'web-1',
  database: 'ok',
  log: { version: '18.0', epoch: 'aaaaaaaa', head: 9, floor: 1, partitions: 1, bytes: 1 },
  leader: { instance: 'web-1', heartbeatAgeMs: 500 },
  waitingFor: [],
  oldestWriter: null,
  instances: [instance('web-1'), instance('web-2')],
  samples: [],
  consumers: [],
  ...changes,
});

const consumer = (name: string, changes: Partial<ConsumerStatus> = {}): ConsumerStatus => ({
  name,
  partition: 0,
  partitions: 1,
  position: 1,
  lagPositions: 0,
  lagSeconds: null,
  alive: true,
  failed: false,
  paused: false,
  attempts: 0,
  parked: 0,
  ...changes,
});

/** Two seconds apart, the last one now. */
const samples = (points: [head: number | null, lag: number | null][]): StatusSample[] =>
  points.map(([head, lag], index) => ({
    agoMs: (points.length - 1 - index) * 2_000,
    position: 0,
    head,
    lag,
  }));

it('says that all is well, with how many instances and who leads', () => {
  expect(assess(answer(), [])).toMatchObject({
    tone: 'good',
    headline: 'Healthy: 2 instances, leader web-1, nothing held back',
    others: [],
  });
});

it('says what is wrong, the worst first, and what is merely of note without calling it unhealthy', () => {
  const consumers = [
    consumer('billing', { failed: true }),
    consumer('billing', { failed: true, partition: 1 }),
    consumer('mail', { paused: true }),
    consumer('search', { alive: false }),
  ];
  const health = assess(answer({ consumers, leader: { instance: 'web-2', heartbeatAgeMs: 30_000 } }), []);
  expect([health.tone, health.headline, ...health.others.map(({ text }) => text)]).toEqual([
    'bad',
    'The leader web-2 is silent',
    'Consumer billing stands still',
    'Consumer search has no worker',
    'Consumer mail is paused',
  ]);
  const noted = assess(answer({ consumers: [consumer('mail', { paused: true })] }), []);
  expect(noted).toMatchObject({ tone: 'good', others: [{ text: 'Consumer mail is paused' }] });
});

it.each<[string, string, Partial<StatusAnswer>]>([
  ['warn', 'web-2 is silent', { instances: [instance('web-1'), instance('web-2', { seenAgeMs: 12_000 })] }],
  ['bad', 'No relay leads: nothing is delivered', { leader: null }],
  ['bad', 'The database is unreachable', { database: 'unreachable', log: null, leader: null }],
  ['warn', 'web-1 is behind', { samples: samples(Array.from({ length: 8 }, () => [900, 500])) }],
  [
    'warn',
    'web-1 does not reach its adapter redis',
    {
      instances: [
        instance('web-1', {
          report: { ...instance('').report, adapter: { name: 'redis', state: 'unreachable' } },
        }),
      ],
    },
  ],
])('%s: %s', (tone, headline, changes) => {
  expect(assess(answer(changes), [])).toMatchObject({ tone, headline });
});

const waiting = (ageMs: number | null) =>
  answer({ waitingFor: [{ pid: 7, applicationName: 'import', ageMs }] });

it('a commit holds the stream back when it is seen again, not when a report or a backend is', () => {
  const once = followHeld([], waiting(100), 0);
  expect(once.some(isLong)).toBe(false);
  // The same report of another instance, which leads.
  expect(followHeld(once, waiting(100), 2_000).some(isLong)).toBe(false);
  // Its next transaction.
  expect(followHeld(once, waiting(20), 2_000).some(isLong)).toBe(false);
  // While this page was hidden.
  expect(followHeld(once, waiting(30_000), 600_000).some(isLong)).toBe(false);
  const twice = followHeld(once, waiting(2_100), 2_000);
  expect(twice).toMatchObject([{ pid: 7, heldMs: 2_000 }]);
  expect(assess(waiting(2_100), twice).headline).toBe('A commit of import (pid 7) holds the stream back');
  expect(followHeld(followHeld([], waiting(null), 0), waiting(null), 2_000).some(isLong)).toBe(true);
});

const named = (...all: InstanceStatus[]) => all.map(({ id }) => nameInstances(all)(id));

it('names instances by their host, and by as much more as it takes', () => {
  expect(named(instance('a', { host: 'web' }), instance('b'))).toEqual(['web', 'b']);
  expect(named(instance('a', { host: 'web' }), instance('b', { host: 'web', pid: 2 }))).toEqual([
    'web (1)',
    'web (2)',
  ]);
  expect(named(instance('aaaa1', { host: 'web' }), instance('bbbb2', { host: 'web' }))).toEqual([
    'web (1, aaaa)',
    'web (1, bbbb)',
  ]);
  expect(nameInstances([])('0123456789')).toBe('instance 01234567');
});

it('counts events per second between samples, with a gap where the database did not answer', () => {
  const seen = samples([
    [10, 0],
    [30, 2],
    [null, null],
    [50, 4],
    [50, 0],
  ]);
  expect(rateSeries(seen, 10_000)).toEqual({ times: [2, 4, 6, 8, 10], values: [null, 10, null, null, 0] });
  expect(figuresOf(rateSeries(seen, 0))).toEqual({ now: 0, mean: 5, peak: 10 });
  expect(recentRate(seen)).toBe(5);
  expect(recentRate([])).toBeNull();
  // Another history of the database may begin below.
  expect(rateSeries(samples([[90, 0], [5, 0]]), 0).values).toEqual([null, 0]); // prettier-ignore
});

it('calls an instance behind only when it was so all the while', () => {
  expect(steadyLag(samples([[9, 800], [9, 3], [9, 700], [9, 900]]))).toBe(3); // prettier-ignore
  expect(steadyLag(samples([[9, 800], [9, 700]]))).toBeNull(); // prettier-ignore
});

it('shows durations, sizes and rates in units that do not flicker', () => {
  expect([400, 59_400, 150_000, 11_000_000, 200_000_000].map(spanOf)).toEqual([
    '0 s',
    '59 s',
    '3 min',
    '3 h 3 min',
    '2 d 7 h',
  ]);
  expect([96 * 1_024, 3_000_000, 5_000_000_000].map(bytesOf)).toEqual(['96 KiB', '2.9 MiB', '4.7 GiB']);
  expect([0, 0.52, 12.4, 1_234].map(rateOf)).toEqual(['0', '0.5', '12', '1.2K']);
});
