import type { Outcome, VariantResult } from './results.ts';
import type { Row, Variant } from './row.ts';

export interface Plan {
  rounds: number;
  variants: readonly Variant[];
  measure: (variant: Variant, round: number) => Promise<Outcome>;
}

/** Every other round goes the other way (A B, B A): a machine that drifts favours none of them. */
export function orderOf<Item>(items: readonly Item[], round: number): Item[] {
  return round % 2 === 0 ? [...items] : items.toReversed();
}

/** All rounds of a row; a measurement that fails does not end them. */
export async function runRounds({ rounds, variants, measure }: Plan): Promise<VariantResult[]> {
  const results = new Map<Variant, VariantResult>();
  for (const variant of variants) {
    const unavailable = await variant.unavailable?.();
    const { name, kind } = variant;
    results.set(variant, { name, kind, ...(unavailable === undefined ? {} : { unavailable }), rounds: [] });
  }
  const measured = variants.filter((variant) => results.get(variant)?.unavailable === undefined);
  for (let round = 0; round < rounds; round++) {
    for (const variant of orderOf(measured, round)) {
      results.get(variant)?.rounds.push(await measure(variant, round));
    }
  }
  return [...results.values()];
}

/** Goals that name what the row does not have: they would never be judged. */
export function danglingGoals({ goals, variants, metrics }: Row): string[] {
  const names = new Set(variants.map(({ name }) => name));
  return goals.flatMap(({ text, metric, of, against = [], atMost, atLeast }) => [
    ...(metric in metrics ? [] : [`${text}: no metric ${metric}`]),
    ...[of, ...against].filter((name) => !names.has(name)).map((name) => `${text}: no variant ${name}`),
    ...(atMost === undefined && atLeast === undefined ? [`${text}: no limit`] : []),
  ]);
}
