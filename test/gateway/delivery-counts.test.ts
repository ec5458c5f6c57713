import { expect, it } from 'vitest';
import { DeliveryCounts } from '../../src/gateway/delivery-counts.ts';
import type { WireEvent } from '../../src/log/wire-event.ts';

const at = (position: number) => ({ events: [{ position }] as WireEvent[] });

it('what nobody here gets was dispatched, and never written, also beside what somebody gets', () => {
  const counts = new DeliveryCounts();
  counts.times.take();
  counts.dispatched(at(1), 0);
  counts.dispatched(at(2), 3);
  counts.written(3);
  counts.dispatched(at(3), 1);
  // Whoever was to get it had left its rooms.
  counts.written(0);
  expect(counts.messages).toBe(3);
  expect(counts.batches.count).toBe(3);
  const times = counts.times.take();
  expect(times.map(({ position, writtenAt }) => [position, writtenAt !== undefined])).toEqual([
    [1, false],
    [2, true],
    [3, false],
  ]);
});
