import { sized, type Bench } from '../../harness/row.ts';

export interface Sizes {
  small: number;
  large: number;
  /** Events of other rooms among the large number. */
  noise: number;
  /** Of each measurement but the first after the start. */
  repetitions: number;
}

export function sizesOf(bench: Bench): Sizes {
  const whole = { small: 1_000, large: 10_000, noise: 100_000 };
  return sized(bench, {
    smoke: { small: 100, large: 1_000, noise: 4_000, repetitions: 2 },
    short: { ...whole, repetitions: 3 },
    full: { ...whole, repetitions: 15 },
  });
}

/** Other rooms are so many. */
export const noisyUnits = 50;
/** Length of the text in the data of each event. */
export const textLength = 100;
