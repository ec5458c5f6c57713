export interface Search {
  /** Tried first. */
  from: number;
  /** Steps in all: first doubling until one does not hold, then halving what is between. */
  steps: number;
  highest: number;
}

/** The highest rate of those that were tried and held; 0 if not even the first. */
export async function highestRate(
  { from, steps, highest }: Search,
  holds: (rate: number) => Promise<boolean>,
): Promise<number> {
  let held = 0;
  let failed = Infinity;
  let rate = from;
  for (let step = 0; step < steps; step += 1) {
    if (await holds(rate)) held = rate;
    else failed = rate;
    if (held >= highest) break;
    rate = failed === Infinity ? Math.min(held * 2, highest) : Math.round((held + failed) / 2);
  }
  return held;
}
