import { assert, array, constantFrom, integer, property, record } from 'fast-check';
import { expect, it, vi } from 'vitest';
import { addressOf } from '../../src/gateway/limits-address.ts';
import { RateLimit } from '../../src/gateway/limits-rate.ts';

it('a whole window’s worth may come at once, then as much as is paid off, and the wait that is said is enough', () => {
  let now = 1_000;
  const rate = new RateLimit(3, 60_000, () => now);
  expect([rate.take('kim'), rate.take('kim'), rate.take('kim')]).toEqual([0, 0, 0]);
  const waitMs = rate.take('kim');
  expect(waitMs).toBe(20_000);
  // Whoever was refused has used up nothing, and nobody else has to wait.
  expect([rate.take('kim'), rate.take('lee')]).toEqual([20_000, 0]);
  now += waitMs - 1;
  expect(rate.take('kim')).toBe(1);
  now += 1;
  expect([rate.take('kim'), rate.take('kim')]).toEqual([0, 20_000]);
});

it('in no window more is let through than twice the limit, and whoever keeps to the rate is never refused', () => {
  const limit = 5;
  const windowMs = 1_000;
  assert(
    property(
      array(record({ pauseMs: integer({ min: 0, max: 120 }), key: constantFrom('a', 'b') }), {
        minLength: 50,
        maxLength: 100,
      }),
      (steps) => {
        let now = 0;
        const rate = new RateLimit(limit, windowMs, () => now);
        const taken: { at: number; key: string }[] = [];
        for (const { pauseMs, key } of steps) {
          now += pauseMs;
          if (rate.take(key) === 0) taken.push({ at: now, key });
        }
        for (const { at, key } of taken) {
          const inWindow = taken.filter(
            (each) => each.key === key && each.at >= at && each.at < at + windowMs,
          );
          expect(inWindow.length).toBeLessThanOrEqual(2 * limit);
        }
      },
    ),
  );
  let now = 0;
  const rate = new RateLimit(limit, windowMs, () => now);
  for (let n = 0; n < 1_000; n++) {
    expect(rate.take('steady')).toBe(0);
    now += windowMs / limit;
  }
});

it('whoever has paid is forgotten, by itself, and those who have not are remembered', () => {
  vi.useFakeTimers();
  try {
    let now = 0;
    const rate = new RateLimit(60, 60_000, () => now);
    for (let n = 0; n < 1_000; n++) rate.take(`user-${n}`);
    for (let n = 0; n < 60; n++) rate.take('busy');
    expect(rate.size).toBe(1_001);
    now = 59_000;
    rate.take('busy');
    vi.advanceTimersByTime(60_000);
    expect(rate.size).toBe(1);
    now = 200_000;
    vi.advanceTimersByTime(60_000);
    expect([rate.size, vi.getTimerCount()]).toEqual([0, 0]);
  } finally {
    vi.useRealTimers();
  }
});

it('without a limit nothing is counted', () => {
  const rate = new RateLimit(Infinity, 60_000);
  for (let n = 0; n < 10_000; n++) expect(rate.take('kim')).toBe(0);
  expect(rate.size).toBe(0);
});

const from = (remoteAddress: string | undefined, hops = 0, forwarded?: string) =>
  addressOf(
    { headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }, socket: { remoteAddress } },
    hops,
  );

it('an address is that of the socket; what a header says counts only as far as proxies are named', () => {
  const forged = '9.9.9.9, 203.0.113.7, 10.0.0.2';
  expect(from('10.0.0.1')).toBe('10.0.0.1');
  expect(from('10.0.0.1', 0, forged)).toBe('10.0.0.1');
  expect(from('10.0.0.1', 1, forged)).toBe('10.0.0.2');
  expect(from('10.0.0.1', 2, forged)).toBe('203.0.113.7');
  // Who came past the proxies has said less than they would.
  expect(from('10.0.0.1', 2)).toBe('10.0.0.1');
  expect(from('10.0.0.1', 1, 'rubbish')).toBe('unknown');
  expect(from(undefined)).toBe('unknown');
});

it.each([
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['203.0.113.7:4711', '203.0.113.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['[2001:0DB8:1:2::9]:443', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
])('%s counts as %s', (address, network) => {
  expect(from(address)).toBe(network);
});
