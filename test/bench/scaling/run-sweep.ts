import { performance } from 'node:perf_hooks';
import { measure, type Setting } from '../harness/measure.ts';
import { show } from '../harness/numbers.ts';
import { spreadOf } from '../harness/ratios.ts';
import type { Run, Spread } from '../harness/results.ts';
import { orderOf } from '../harness/rounds.ts';
import type { Bench, Measurement } from '../harness/row.ts';
import type { Machine } from '../harness/machine.ts';
import type { Sweep } from './sweep.ts';

/** A sweep of `scaling.json`: all that is known of it, so that any figure can be computed again. */
export interface SweepResult extends Pick<
  Sweep,
  'name' | 'title' | 'method' | 'axis' | 'metrics' | 'charts'
> {
  run: Omit<Run, 'versions'>;
  machine: Machine;
  /** Share of the machine's cores that others kept busy just before. */
  busy: number;
  seconds: number;
  points: Point[];
  /** Why it does not count; empty when it does. */
  problems: string[];
}

export interface Point {
  at: number;
  /** In the order of the rounds. */
  rounds: Measurement[];
}

export interface SweepPlan {
  sweep: Sweep;
  setting: Setting;
  run: Omit<Run, 'versions' | 'date'>;
  machine: Machine;
  busy: number;
  say: (line: string) => void;
}

/** All points, up in one round and down in the next: what drifts, or grows with time, favours neither end. */
export async function runSweep({ sweep, setting, run, machine, busy, say }: SweepPlan): Promise<SweepResult> {
  const { name, title, method, axis, metrics, charts } = sweep;
  const ats = sweep.points[setting.size === 'smoke' ? 'smoke' : 'whole'];
  const points: Point[] = ats.map((at) => ({ at, rounds: [] }));
  const began = performance.now();
  const walk = async (bench: Bench): Promise<Measurement> => {
    const measurePoint = await sweep.open(bench);
    const sum = { missed: 0, doubled: 0, disordered: 0 };
    for (let round = 0; round < run.rounds; round += 1) {
      for (const point of orderOf(points, round)) {
        const outcome = refuseUnknown(await measurePoint(point.at), sweep);
        say(`${name}, round ${round + 1} of ${run.rounds}, ${point.at}: ${summaryOf(outcome, sweep)}`);
        point.rounds.push(outcome);
        for (const loss of losses) sum[loss] += outcome[loss];
      }
    }
    return { values: { points: points.length * run.rounds }, ...sum };
  };
  // One measurement of the harness for the whole sweep: what it starts is gone afterwards, however it ends.
  const whole = { name, kind: 'ours', always: true, measure: walk } as const;
  const outcome = await measure({ metrics: { points: { label: 'points', unit: '' } } }, whole, setting);
  return {
    name,
    title,
    method,
    axis,
    metrics,
    charts,
    run: { date: new Date().toISOString(), ...run },
    machine,
    busy,
    seconds: Math.round((performance.now() - began) / 1_000),
    points,
    problems: [...('failed' in outcome ? [outcome.failed] : []), ...problemsOf(points)],
  };
}

export const losses = ['missed', 'doubled', 'disordered'] as const;

/** A client that did not get everything, once and in order. */
export function problemsOf(points: readonly Point[]): string[] {
  return points.flatMap(({ at, rounds }) =>
    rounds.flatMap(({ missed, doubled, disordered }, index) =>
      missed === 0 && doubled === 0 && disordered === 0
        ? []
        : [`${at}, round ${index + 1}: ${missed} missed, ${doubled} doubled, ${disordered} out of order`],
    ),
  );
}

/** Over the rounds; `undefined`: not measured. */
export function seenAt({ rounds }: Point, metric: string): Spread | undefined {
  return spreadOf(rounds.flatMap(({ values }) => values[metric] ?? []));
}

/** A figure that is none, or that nobody shows, would vanish without a word. */
function refuseUnknown(outcome: Measurement, { metrics }: Sweep): Measurement {
  const { values, missed, doubled, disordered } = outcome;
  for (const [name, value] of Object.entries({ ...values, missed, doubled, disordered }))
    if (!Number.isFinite(value)) throw new Error(`${name} is ${value}`);
  const unknown = Object.keys(values).filter((name) => !(name in metrics));
  if (unknown.length > 0) throw new Error(`The sweep does not know ${unknown.join(', ')}`);
  return outcome;
}

function summaryOf(outcome: Measurement, { metrics }: Sweep): string {
  const figures = Object.entries(outcome.values).map(([name, value]) =>
    `${metrics[name]?.label}: ${show(value)} ${metrics[name]?.unit}`.trimEnd(),
  );
  const lost = losses.filter((loss) => outcome[loss] > 0).map((loss) => `${outcome[loss]} ${loss}`);
  return [...figures, ...lost, ...(outcome.note === undefined ? [] : [outcome.note])].join('; ');
}
