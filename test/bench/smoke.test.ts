import { expect, inject, it } from 'vitest';
import { loadRow, rowFiles } from './harness/all-rows.ts';
import { planCores } from './harness/cores.ts';
import { measure } from './harness/measure.ts';
import { judge, problemsOf } from './harness/ratios.ts';
import { danglingGoals, runRounds } from './harness/rounds.ts';

/* All variants of a row, each with a limit of its own. */
const limitMs = 180_000;

/* Peers are left out: what is promised of their figures is only that a run survives without them. */

it.for(rowFiles())(
  '%s: every client of ours gets everything, once and in order',
  { timeout: limitMs },
  async (file, { signal }) => {
    const row = await loadRow(file);
    expect(danglingGoals(row), 'goals that could never be judged').toEqual([]);
    const variants = await runRounds({
      rounds: 1,
      variants: row.variants.filter(({ kind }) => kind !== 'peer'),
      measure: (variant) =>
        measure(row, variant, {
          size: 'smoke',
          cores: planCores(),
          postgresUrl: inject('postgres').url,
          signal,
          progress: () => undefined,
        }),
    });
    expect(problemsOf(variants)).toEqual([]);
    for (const { name, unavailable, rounds } of variants) {
      // A floor may need what is not installed here; it is said, and not taken for measured.
      if (unavailable === undefined) expect(rounds, name).toHaveLength(1);
      else console.warn(`${file}, ${name}: not measured: ${unavailable}`);
    }
    const sides = variants.filter(({ unavailable }) => unavailable !== undefined).map(({ name }) => name);
    const measurable = row.goals.filter(
      ({ of, against }) =>
        !sides.includes(of) && !against?.every((name) => isPeer(row, name) || sides.includes(name)),
    );
    const unanswered = judge({ goals: measurable }, variants).filter(
      ({ verdict }) => verdict === 'not measured',
    );
    expect(
      unanswered.map(({ text }) => text),
      'values that a goal needs',
    ).toEqual([]);
  },
);

function isPeer({ variants }: Awaited<ReturnType<typeof loadRow>>, name: string): boolean {
  return variants.some((variant) => variant.name === name && variant.kind === 'peer');
}
