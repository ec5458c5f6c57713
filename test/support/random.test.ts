import { expect, it } from 'vitest';
import { createRandom } from './random.ts';

function drawIds(seed: number): string[] {
  const random = createRandom(seed);
  const forks = Array.from({ length: 40 }, () => random.fork());
  return forks.flatMap((fork) => Array.from({ length: 500 }, () => fork.uuid()));
}

it('repeats itself for the same seed, and no two of its forks draw the same id', () => {
  const ids = drawIds(20_261_123);
  expect(drawIds(20_261_123)).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
  expect(new Set([...ids, ...drawIds(20_261_124)]).size).toBe(2 * ids.length);
});

it('draws evenly', () => {
  const random = createRandom(1);
  const tenths = Array.from({ length: 100_000 }, () => random.below(10));
  for (let digit = 0; digit < 10; digit++) {
    const share = tenths.filter((each) => each === digit).length / tenths.length;
    expect(share).toBeGreaterThan(0.095);
    expect(share).toBeLessThan(0.105);
  }
});
