/** A small seeded generator (mulberry32), so that a run can be repeated with the seed that it printed. */
export interface Random {
  /** From 0, below 1. */
  fraction(): number;
  /** A whole number from 0, below `limit`. */
  below(limit: number): number;
  /** True in `share` of all cases. */
  chance(share: number): boolean;
  pick<Item>(items: readonly Item[]): Item;
  uuid(): string;
  /** Another generator, decided by this one. */
  fork(): Random;
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const fraction = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(fraction() * limit);
  const hex = (digits: number) => Array.from({ length: digits }, () => below(16).toString(16)).join('');
  return {
    fraction,
    below,
    chance: (share) => fraction() < share,
    pick<Item>(items: readonly Item[]) {
      return items[below(items.length)] as Item;
    },
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`,
    fork: () => createRandom(below(2 ** 32)),
  };
}

/** `TEST_SEED`, or one that has not been tried; printed, for whoever has to repeat the run. */
export function chooseSeed(name: string): number {
  const given = process.env['TEST_SEED'];
  const seed = given === undefined ? Date.now() % 2 ** 32 : Number(given);
  console.log(`${name}: TEST_SEED=${seed}`);
  return seed;
}
