import type { Goal, Row } from './row.ts';
import { isMeasurement, type Judgement, type Spread, type VariantResult } from './results.ts';

/** Median, smallest and largest; `undefined` of nothing. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [Math.floor((sorted.length - 1) / 2), Math.ceil((sorted.length - 1) / 2)];
  return {
    median: ((sorted[low] ?? NaN) + (sorted[high] ?? NaN)) / 2,
    min: sorted[0] ?? NaN,
    max: sorted.at(-1) ?? NaN,
  };
}

/**
 * Why the figures of the row do not count: ours, or a floor, could not be measured, or a client of ours did not get
 * everything, once, in order. A peer that fails is its own loss.
 */
export function problemsOf(variants: readonly VariantResult[]): string[] {
  return variants
    .filter(({ kind }) => kind !== 'peer')
    .flatMap(({ name, kind, unavailable, rounds }) => {
      // A floor that this machine does not have leaves goals without an answer, and what was measured stands.
      if (unavailable !== undefined) return kind === 'ours' ? [`${name}: ${unavailable}`] : [];
      return rounds.flatMap((outcome, index) => {
        const where = `${name}, round ${index + 1}`;
        if (!isMeasurement(outcome)) return [`${where}: ${outcome.failed}`];
        const { missed, doubled, disordered } = outcome;
        const whole = missed === 0 && doubled === 0 && disordered === 0;
        if (kind !== 'ours' || whole) return [];
        return [`${where}: ${missed} missed, ${doubled} doubled, ${disordered} out of order`];
      });
    });
}

/** Each goal, by the median of what was seen in the rounds. A row with problems has no verdict, and no ratios. */
export function judge({ goals }: Pick<Row, 'goals'>, variants: readonly VariantResult[]): Judgement[] {
  if (problemsOf(variants).length > 0) return goals.map((goal) => ({ ...goal, verdict: 'not counted' }));
  return goals.map((goal) => {
    const spread = spreadOf(perRound(goal, variants));
    if (!spread) return { ...goal, verdict: 'not measured' };
    const { atMost = Infinity, atLeast = -Infinity } = goal;
    const met = spread.median <= atMost && spread.median >= atLeast;
    return { ...goal, verdict: met ? 'met' : 'missed', spread };
  });
}

/** One number of each round in which both sides were measured: machines drift, so rounds are never mixed. */
function perRound({ metric, of, against, atMost }: Goal, variants: readonly VariantResult[]): number[] {
  const valueOf = (name: string, round: number) => {
    const outcome = variants.find((variant) => variant.name === name)?.rounds[round];
    return isMeasurement(outcome) ? outcome.values[metric] : undefined;
  };
  const rounds = variants.find(({ name }) => name === of)?.rounds.length ?? 0;
  return Array.from({ length: rounds }, (_, round) => {
    const value = valueOf(of, round);
    if (value === undefined || against === undefined) return value ?? [];
    const others = against.flatMap((name) => valueOf(name, round) ?? []);
    if (others.length === 0) return [];
    // Of several, the one that makes it hardest for us.
    const other = atMost === undefined ? Math.max(...others) : Math.min(...others);
    if (other === 0) return value === 0 ? 1 : [];
    return value / other;
  }).flat();
}
