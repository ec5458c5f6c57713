import { expect, it } from 'vitest';
import { ArrivalRate } from '../../src/relay/arrival-rate.ts';

/** Whether so many arrivals of `events`, `everyMs` apart, are a stream at the end. */
function isStream(arrivals: number, everyMs: number, events = 1): boolean {
  let now = 0;
  const rate = new ArrivalRate(() => now);
  for (let n = 0; n < arrivals; n++) {
    now += everyMs;
    rate.add(events);
  }
  return rate.isStream;
}

it.each([
  ['twenty events a second are a trickle', 200, 50, 1, false],
  ['two hundred events a second are a stream', 200, 5, 1, true],
  ['a slow reader that finds many at once sees the stream too', 5, 40, 8, true],
  ['a few events together are a trickle', 1, 0, 4, false],
])('P6: %s', (_case, arrivals, everyMs, events, expected) => {
  expect(isStream(arrivals, everyMs, events)).toBe(expected);
});

it('a stream that has ended is none any more', () => {
  let now = 0;
  const rate = new ArrivalRate(() => now);
  rate.add(20);
  expect(rate.isStream).toBe(true);
  now += 200;
  expect(rate.isStream).toBe(false);
});
