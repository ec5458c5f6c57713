/**
 * A small seeded generator (sfc32), so that a run can be repeated with the seed that it printed. It has 128 bits of state:
 * generators of 32 bits are all on one cycle, and among the many of a run two soon follow each other, and draw the same
 * ids.
 */
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
  return fromWords([seed, 0x9e3779b9, 0x243f6a88, 1]);
}

function fromWords(words: readonly [number, number, number, number]): Random {
  let [a, b, c, counter] = words;
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  // Until each bit of the seed has had its effect on all others.
  for (let n = 0; n < 15; n++) next();
  const word = () => next() | 0;
  return randomOf(
    () => next() / 2 ** 32,
    () => fromWords([word(), word(), word(), 1]),
  );
}

function randomOf(fraction: () => number, fork: () => Random): Random {
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
    fork,
  };
}

/** `TEST_SEED`, or one that has not been tried; printed, for whoever has to repeat the run. */
export function chooseSeed(name: string): number {
  const given = process.env['TEST_SEED'];
  const seed = given === undefined ? Date.now() % 2 ** 32 : Number(given);
  console.log(`${name}: TEST_SEED=${seed}`);
  return seed;
}
