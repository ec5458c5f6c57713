import { expect, it } from 'vitest';
import { ArrivalRate } from '../../src/relay/arrival-rate.ts';

/** The rate after so many arrivals of `events`, `everyMs` apart. */
function rateAfter(arrivals: number, everyMs: number, events = 1): ArrivalRate {
  let now = 0;
  const rate = new ArrivalRate(() => now);
  for (let n = 0; n < arrivals; n++) {
    now += everyMs;
    rate.add(events);
  }
  return rate;
}

it.each([
  ['twenty events a second are a trickle', 200, 50, 1, false],
  ['a hundred events a second are no stream', 200, 10, 1, false],
  ['two hundred events a second are a stream', 200, 5, 1, true],
  ['a slow reader that finds many at once sees the stream too', 5, 40, 8, true],
  ['a few events together are a trickle', 1, 0, 4, false],
])('P6: %s', (_case, arrivals, everyMs, events, expected) => {
  expect(rateAfter(arrivals, everyMs, events).isStream).toBe(expected);
});

it.each([
  ['seventy events a second are a trickle', 14, { isStream: false, isTrickle: true }],
  [
    'a rate between trickle and stream is neither, so that nothing changes at each event',
    7.5,
    { isStream: false, isTrickle: false },
  ],
  ['a stream is no trickle', 5, { isStream: true, isTrickle: false }],
])('P5: %s', (_case, everyMs, expected) => {
  const { isStream, isTrickle } = rateAfter(200, everyMs);
  expect({ isStream, isTrickle }).toEqual(expected);
});

it('a stream that has ended is none any more', () => {
  let now = 0;
  const rate = new ArrivalRate(() => now);
  rate.add(20);
  expect(rate.isStream).toBe(true);
  now += 200;
  expect(rate.isStream).toBe(false);
});
