import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Backoff } from '../../src/core/backoff.ts';
import { Flag } from '../../src/core/flag.ts';
import { Releasers } from '../../src/core/service.ts';
import { sleep } from '../../src/core/sleep.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('backoff', () => {
  it('never waits less than the least, nor more than the most; it grows, and begins anew after a success', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 100, max: 5_000 }), (minMs, maxMs) => {
        const backoff = new Backoff({ minMs, maxMs });
        for (let attempt = 0; attempt < 2_000; attempt++) {
          const delay = backoff.next();
          expect(delay).toBeGreaterThanOrEqual(minMs);
          expect(delay).toBeLessThanOrEqual(Math.min(maxMs, minMs * 2 ** attempt));
        }
        backoff.reset();
        expect(backoff.next()).toBe(minMs);
      }),
      { numRuns: 20 },
    );
  });

  it('is jittered: two that begin together do not go on together', () => {
    const delays = Array.from({ length: 20 }, () => {
      const backoff = new Backoff();
      for (let n = 0; n < 5; n++) backoff.next();
      return backoff.next();
    });
    expect(new Set(delays).size).toBeGreaterThan(15);
  });
});

describe('sleep', () => {
  it('ends after its time, or at the abort, and leaves neither timer nor listener', async () => {
    const { signal } = new AbortController();
    const removed = vi.spyOn(signal, 'removeEventListener');
    const whole = sleep(1_000, signal);
    await vi.advanceTimersByTimeAsync(1_000);
    await whole;
    expect(removed).toHaveBeenCalledOnce();

    const stop = new AbortController();
    const cut = sleep(1_000, stop.signal);
    stop.abort();
    await cut;
    await sleep(1_000, stop.signal);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('flag', () => {
  const { signal } = new AbortController();

  it('a flag that was raised before the wait is not missed; several times count once', async () => {
    const flag = new Flag();
    flag.raise();
    flag.raise();
    await flag.wait(1_000_000, signal);
    expect(flag.take()).toBe(true);
    expect(flag.take()).toBe(false);
  });

  it('raising it ends the wait; so do time and abort, which leave it down', async () => {
    const flag = new Flag();
    const raised = flag.wait(1_000_000, signal);
    flag.raise();
    await raised;
    expect(flag.take()).toBe(true);

    const late = flag.wait(100, signal);
    await vi.advanceTimersByTimeAsync(100);
    await late;
    const stop = new AbortController();
    const aborted = flag.wait(1_000_000, stop.signal);
    stop.abort();
    await aborted;
    await flag.wait(1_000_000, stop.signal);
    expect(flag.take()).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('releasers', () => {
  it('close in reverse order, all of them, also when some fail; what failed is thrown together', async () => {
    const closed: number[] = [];
    const releasers = new Releasers();
    for (const n of [1, 2, 3, 4]) {
      releasers.add(() => {
        closed.push(n);
        if (n === 2) throw new Error('sync');
        return n === 3 ? Promise.reject(new Error('async')) : undefined;
      });
    }
    const failure = await releasers.release().catch((error: unknown) => error);
    expect(closed).toEqual([4, 3, 2, 1]);
    expect((failure as AggregateError).errors.map(String)).toEqual(['Error: async', 'Error: sync']);
    await releasers.release();
    expect(closed).toHaveLength(4);
  });
});
