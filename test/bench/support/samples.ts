/** What a set of latencies comes to. All in the unit of the samples. */
export interface Summary {
  count: number;
  p50: number;
  p90: number;
  p99: number;
  max: number;
}

/** By nearest rank: the smallest sample that at least this share of all are not above. `NaN` without samples. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  const rank = Math.max(1, Math.ceil(sorted.length * share));
  return sorted[rank - 1] ?? NaN;
}

/** Percentiles over all samples of all parts: those of the parts are never averaged. */
export function summarize(parts: readonly (readonly number[])[]): Summary {
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  all.sort();
  return {
    count: all.length,
    p50: percentile(all, 0.5),
    p90: percentile(all, 0.9),
    p99: percentile(all, 0.99),
    max: all.at(-1) ?? NaN,
  };
}

/** The middle one; of an even number, the lower of the two. */
export function median(values: readonly number[]): number {
  return percentile(
    values.toSorted((one, other) => one - other),
    0.5,
  );
}

export function ms(us: number): number {
  return us / 1_000;
}
