import { show } from './numbers.ts';
import type { Progress } from './progress.ts';
import { judge, problemsOf } from './ratios.ts';
import { isMeasurement, type Outcome, type RowResult, type Run } from './results.ts';
import { runRounds } from './rounds.ts';
import type { Row, Size, Variant } from './row.ts';
import type { RunState } from './state.ts';

export interface RowPlan extends Pick<RowResult, 'machine'> {
  row: Row;
  run: Omit<Run, 'date'>;
  progress: Progress;
  state: RunState;
  measure: (variant: Variant) => Promise<Outcome>;
}

/** A run that is not `full` leaves out the weaker peers. */
export function chosenVariants({ variants }: Row, size: Size): Variant[] {
  return variants.filter(({ always }) => always || size === 'full');
}

/** All rounds of a row, and what follows from them. */
export async function runRow({ row, run, machine, progress, state, measure }: RowPlan): Promise<RowResult> {
  const { number, title, method, metrics } = row;
  const chosen = chosenVariants(row, run.size);
  const variants = await runRounds({
    rounds: run.rounds,
    variants: chosen,
    measure: async (variant, round) => {
      let fresh = false;
      const outcome = await state.remember(`${number}/${round}/${variant.name}`, () => {
        fresh = true;
        progress.begin(`row ${number}, round ${round + 1} of ${run.rounds}, ${variant.name}`);
        return measure(variant);
      });
      if (fresh) progress.end(summaryOf(row, outcome));
      else progress.skip(1);
      return outcome;
    },
  });
  for (const { name, unavailable } of variants) {
    if (unavailable === undefined) continue;
    progress.say(`row ${number}, ${name}: not measured: ${unavailable}`);
    progress.skip(run.rounds);
  }
  return {
    number,
    title,
    method,
    metrics,
    run: { date: new Date().toISOString(), ...run },
    machine,
    variants,
    goals: judge(row, variants),
    problems: problemsOf(variants),
  };
}

function summaryOf({ metrics }: Row, outcome: Outcome): string {
  if (!isMeasurement(outcome)) return `failed: ${outcome.failed}`;
  const { values, missed, doubled, disordered, note } = outcome;
  const figures = Object.entries(values).map(([name, value]) =>
    `${metrics[name]?.label ?? name}: ${show(value)} ${metrics[name]?.unit ?? ''}`.trimEnd(),
  );
  const losses = missed + doubled + disordered;
  return [
    ...figures,
    ...(losses > 0 ? [`${missed} missed, ${doubled} doubled, ${disordered} out of order`] : []),
    ...(note === undefined ? [] : [note]),
  ].join('; ');
}
