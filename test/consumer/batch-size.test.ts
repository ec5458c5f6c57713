import { expect, it } from 'vitest';
import { BatchSize } from '../../src/consumer/batch-size.ts';

const quick = (events: number) => [{ events, began: 0 }, 99] as const;

it('grows from 500 to 5,000 while pages are full and quick', () => {
  const size = new BatchSize(undefined);
  const limits = Array.from({ length: 6 }, () => {
    const { limit } = size;
    size.handled(...quick(limit));
    return limit;
  });
  expect(limits).toEqual([500, 1_000, 2_000, 4_000, 5_000, 5_000]);
});

it('stays as it is when a page is not full, or takes a while', () => {
  const size = new BatchSize(undefined);
  size.handled(...quick(499));
  size.handled({ events: 500, began: 0 }, 100);
  expect(size.limit).toBe(500);
});

it.each([
  ['takes too long', (size: BatchSize) => size.handled({ events: 1, began: 0 }, 301)],
  ['fails', (size: BatchSize) => size.failed()],
])('begins again when a page %s', (_, happen) => {
  const size = new BatchSize(undefined);
  size.handled(...quick(500));
  happen(size);
  expect(size.limit).toBe(500);
});

it('knows how far a worker before this one may have come', () => {
  expect([new BatchSize(undefined).most, new BatchSize(7).most]).toEqual([5_000, 7]);
});

it('is what was asked for, whatever happens', () => {
  const size = new BatchSize(7);
  size.handled(...quick(7));
  size.handled({ events: 7, began: 0 }, 10_000);
  size.failed();
  expect(size.limit).toBe(7);
});
