import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { planCores } from './harness/cores.ts';
import { linePlot, type PlottedLine } from './harness/line-plot.ts';
import type { Machine } from './harness/machine.ts';
import type { Bench, Measurement } from './harness/row.ts';
import { findPgbench } from './rows/03-write-tax/pgbench.ts';
import { allSweeps } from './scaling/all-sweeps.ts';
import { parseScalingCommandLine } from './scaling/options.ts';
import { sectionOf } from './scaling/page.ts';
import { readSweeps, writeSweep } from './scaling/report.ts';
import { runSweep, type SweepResult } from './scaling/run-sweep.ts';
import type { Sweep } from './scaling/sweep.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'scaling-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const machine: Machine = {
  cores: 2,
  model: 'm',
  memoryGiB: 1,
  kernel: 'k',
  node: 'v20',
  postgres: '18',
  settings: {},
  fdatasyncUs: 100,
  taskset: true,
  pinned: true,
};

function run(sweep: Sweep, signal: AbortSignal, rounds = 2): Promise<SweepResult> {
  const setting = {
    size: 'smoke',
    cores: planCores(),
    postgresUrl: inject('postgres').url,
    signal,
    progress: () => undefined,
  } as const;
  const plan = {
    run: { commit: 'abc', size: 'smoke', rounds },
    machine,
    busy: 0,
    say: () => undefined,
  } as const;
  return runSweep({ sweep, setting, ...plan });
}

/** One point after the other gets the next of these. */
function swept(measured: readonly Partial<Measurement>[], asked: number[] = []): Sweep {
  return {
    name: 'writers',
    title: 'A <sweep>',
    method: 'How.',
    axis: { label: 'things', logarithmic: true },
    points: { smoke: [1, 10], whole: [1] },
    metrics: { cost: { label: 'cost', unit: 'µs' } },
    charts: [{ title: 'Cost', unit: 'µs', lines: [{ metric: 'cost', label: 'commitcast', kind: 'ours' }] }],
    open: async () => async (at) => {
      const next = measured[asked.push(at) - 1];
      return { values: { cost: 5 }, missed: 0, doubled: 0, disordered: 0, ...next };
    },
  };
}

describe.for(allSweeps.map((sweep) => [sweep.name, sweep] as const))('the sweep %s', ([name, sweep]) => {
  it('measures all its figures, and every client gets everything, once and in order', async (context) => {
    if (name === 'writers' && (await findPgbench()) === undefined) context.skip('pgbench is missing');
    // Both ways where something is taken back on the way down.
    const { points, problems } = await run(sweep, context.signal, name === 'log' ? 1 : 2);
    expect(problems).toEqual([]);
    expect(points).toHaveLength(2);
    const { metrics, charts } = sweep;
    // Where Postgres is in a container, its CPU time cannot be seen.
    const wanted = Object.keys(metrics).filter((metric) => metric !== 'cpu');
    for (const { values } of points.flatMap(({ rounds }) => rounds))
      expect(Object.keys(values)).toEqual(expect.arrayContaining(wanted));
    for (const { metric } of charts.flatMap(({ lines }) => lines)) expect(metrics).toHaveProperty(metric);
  });
});

describe('a sweep', () => {
  it('goes up, then down, and what it started is gone afterwards, however it ends', async ({ signal }) => {
    const asked: number[] = [];
    let ended = 0;
    const sweep = swept([{}, {}, {}, { values: { cost: NaN } }], asked);
    const open = (bench: Bench) => {
      bench.releasers.add(() => void (ended += 1));
      return sweep.open(bench);
    };
    const { points, problems } = await run({ ...sweep, open }, signal);
    expect(asked).toEqual([1, 10, 10, 1]);
    expect(points.map(({ rounds }) => rounds.length)).toEqual([1, 2]);
    expect(problems).toEqual(['cost is NaN']);
    expect(ended).toBe(1);
  });

  it('does not count when a client missed an event, got one twice, or out of order', async ({ signal }) => {
    for (const loss of ['missed', 'doubled', 'disordered']) {
      const { problems } = await run(swept([{}, { [loss]: 3 }]), signal);
      expect(problems).toHaveLength(1);
      expect(problems[0]).toMatch(/^10, round 1: .*3/);
    }
  });

  it('takes no figure that nobody shows', async ({ signal }) => {
    const { problems } = await run(swept([{ values: { cost: 1, price: 2 } }]), signal);
    expect(problems).toEqual(['The sweep does not know price']);
  });
});

describe('the page', () => {
  it('gets the figures of one sweep, and keeps what is written around them and the other sweeps', async ({
    signal,
  }) => {
    const result = await run(swept([{ values: { cost: 3 } }]), signal);
    await writeSweep(folder, { ...result, name: 'rooms', title: 'Rooms' });
    const page = join(folder, 'scaling.md');
    await writeFile(page, `${await readFile(page, 'utf8')}\nWritten by hand.\n`);
    await writeSweep(folder, result);
    const text = await readFile(page, 'utf8');
    expect(text).toContain('Written by hand.');
    expect(text).toContain('scaling/rooms.svg');
    expect(text).toMatch(/\| 1 +\| 4\.00 \[3\.00–5\.00\] +\|\n\| 10 +\| 5\.00 +\|/);
    const names = (await readSweeps(join(folder, 'scaling.json'))).map(({ name }) => name);
    expect(names).toEqual(['writers', 'rooms']);
    expect(await readFile(join(folder, 'scaling', 'writers.svg'), 'utf8')).toContain('A &lt;sweep>');
  });

  it('says when figures do not count, and when others used the machine', async ({ signal }) => {
    const lossy = await run(swept([{ missed: 3 }]), signal);
    expect(sectionOf({ ...lossy, busy: 0.5 })).toMatch(/Not counted[^]*3 missed[^]*Provisional[^]*50 %/);
    const whole = sectionOf({ ...lossy, problems: [], busy: 0.05 });
    expect(whole).not.toMatch(/Not counted|Provisional/);
  });

  it('of this repository has a section for each sweep', async () => {
    const text = await readFile(new URL('../../docs/benchmarks/scaling.md', import.meta.url), 'utf8');
    for (const { name } of allSweeps) {
      expect(text).toContain(`<!-- ${name} -->`);
      expect(text).toContain(`<!-- /${name} -->`);
    }
  });
});

const line = (...medians: number[]): PlottedLine => ({
  label: 'ours',
  kind: 'ours',
  points: medians.map((median, index) => ({ at: 10 ** index, median, min: median / 2, max: median })),
});
const draw = (...lines: PlottedLine[]) =>
  linePlot({
    title: 'T',
    x: { label: 'n', logarithmic: true },
    panels: [{ title: 'P', unit: 'ms', lines }],
  });
const dots = (svg: string) =>
  [...svg.matchAll(/<circle class="ours" cx="([\d.]+)" cy="([\d.]+)"/g)]
    .slice(0, -1)
    .map(([, x, y]) => [x, y].map(Number));

describe('a plot of lines', () => {
  it('has equal steps for equal factors of what is varied, and higher values higher', () => {
    const [[x1 = 0, y1 = 0] = [], [x2 = 0, y2 = 0] = [], [x3 = 0, y3 = 0] = []] = dots(draw(line(1, 2, 4)));
    expect(x2 - x1).toBeCloseTo(x3 - x2, 0);
    expect(x2).toBeGreaterThan(x1);
    expect([y1 > y2, y2 > y3]).toEqual([true, true]);
  });

  it('begins at zero, unless the values are too far apart; what is below zero stays on the paper', () => {
    expect(draw(line(1, 4))).toContain('>0</text>');
    expect(draw(line(1, 400))).not.toContain('>0</text>');
    expect(draw(line(1, 400))).toContain('ms, logarithmic axis');
    const svg = draw(line(-3, 400));
    expect(svg).not.toContain('NaN');
    for (const [, y = 0] of dots(svg)) expect(y).toBeLessThanOrEqual(230);
  });

  it('says what was not measured', () => {
    expect(draw(line())).toContain('not measured');
  });
});

it('the command line knows its sweeps, and refuses what it does not understand', () => {
  const { sweeps, ...rest } = parseScalingCommandLine([]);
  expect(sweeps).toEqual(allSweeps);
  expect(rest).toEqual({ size: 'full', rounds: 2, output: 'docs/benchmarks' });
  const smoke = parseScalingCommandLine(['--smoke', '--only', 'rooms,log']);
  expect(smoke.sweeps.map(({ name }) => name)).toEqual(['rooms', 'log']);
  expect(smoke.output).toBeUndefined();
  for (const wrong of [['--only', 'rows'], ['--fast'], ['--only', '']])
    expect(() => parseScalingCommandLine(wrong)).toThrow();
});
