import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { measure, type Setting } from './harness/measure.ts';
import { parseCommandLine } from './harness/options.ts';
import { judge, problemsOf, spreadOf } from './harness/ratios.ts';
import type { Outcome, VariantResult } from './harness/results.ts';
import { danglingGoals, runRounds } from './harness/rounds.ts';
import type { Goal, Measurement, Row, Variant } from './harness/row.ts';
import { RunState } from './harness/state.ts';
import { ask } from './harness/postgres.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bench-harness-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const whole = { missed: 0, doubled: 0, disordered: 0 };
const got = (p50: number, more: Partial<Measurement> = {}): Measurement => ({
  values: { p50 },
  ...whole,
  ...more,
});
const result = (name: string, kind: Variant['kind'], ...rounds: Outcome[]): VariantResult => ({
  name,
  kind,
  rounds,
});
const atMost: Goal = {
  text: 'p50 ≤ 0.5 × the best',
  metric: 'p50',
  of: 'ours',
  against: ['a', 'b'],
  atMost: 0.5,
};

function variant(name: string, measured: Variant['measure']): Variant {
  return { name, kind: 'ours', always: true, measure: measured };
}

function setting(): Setting {
  return {
    size: 'smoke',
    cores: { server: undefined, load: undefined },
    progress: () => undefined,
    postgresUrl: inject('postgres').url,
    signal: new AbortController().signal,
  };
}

const row = { metrics: { p50: { label: 'p50', unit: 'ms' } } };

describe('ratios', () => {
  it('are of the same round; the median is shown, with the smallest and the largest', () => {
    const variants = [
      result('ours', 'ours', got(1), got(4), got(3)),
      result('a', 'peer', got(10), got(10), got(3)),
    ];
    const [judgement] = judge({ goals: [atMost] }, variants);
    expect(judgement).toMatchObject({ verdict: 'met', spread: { median: 0.4, min: 0.1, max: 1 } });
  });

  it('are of the peer that makes it hardest, in each round, whether less is better or more', () => {
    const variants = [
      result('ours', 'ours', got(6), got(6)),
      result('a', 'peer', got(2), got(20)),
      result('b', 'peer', got(10), got(4)),
    ];
    const { atMost: _, ...rest } = atMost;
    const [least, most] = judge({ goals: [atMost, { ...rest, atLeast: 1.5 }] }, variants);
    expect(least).toMatchObject({ verdict: 'missed', spread: { min: 1.5, max: 3 } });
    expect(most).toMatchObject({ verdict: 'missed', spread: { min: 0.3, max: 0.6 } });
  });

  it('do without a peer that failed, and say when none is left', () => {
    const ours = result('ours', 'ours', got(1), got(2));
    const failed = { failed: 'it gave up' };
    const once = judge({ goals: [atMost] }, [ours, result('a', 'peer', failed, got(4))]);
    expect(once).toMatchObject([{ verdict: 'met', spread: { min: 0.5, max: 0.5 } }]);
    expect(judge({ goals: [atMost] }, [ours, result('a', 'peer', failed, failed)])).toEqual([
      { ...atMost, verdict: 'not measured' },
    ]);
  });

  it('do not count when a client of ours missed an event, or ours or a floor failed; a peer may lose what it likes', () => {
    const ours = result('ours', 'ours', got(1));
    const lossy = got(4, { missed: 3 });
    expect(problemsOf([ours, result('a', 'peer', lossy)])).toEqual([]);
    for (const broken of [
      result('ours', 'ours', got(1), got(1, { doubled: 2 })),
      result('ours', 'ours', got(1), { failed: 'it ended' }),
      result('floor', 'floor', { failed: 'it ended' }),
    ]) {
      const variants = [broken, result('a', 'peer', got(4))];
      expect(problemsOf(variants)).toHaveLength(1);
      expect(judge({ goals: [atMost] }, variants)).toEqual([{ ...atMost, verdict: 'not counted' }]);
    }
  });

  it('have a median between the middle two of an even number', () => {
    expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4 });
    expect(spreadOf([])).toBeUndefined();
  });
});

describe('rounds', () => {
  it('go A B, then B A; what is not available is not asked again', async () => {
    const order: string[] = [];
    const absent = { ...variant('c', async () => got(1)), unavailable: async () => 'not installed' };
    const variants = await runRounds({
      rounds: 3,
      variants: [variant('a', async () => got(1)), variant('b', async () => got(1)), absent],
      measure: async ({ name }) => {
        order.push(name);
        return got(1);
      },
    });
    expect(order.join('')).toBe('abbaab');
    expect(variants.at(-1)).toEqual({ name: 'c', kind: 'ours', unavailable: 'not installed', rounds: [] });
  });

  it('give each measurement a database of its own, which is gone afterwards, also when it fails', async () => {
    let url = '';
    const failing = variant('a', async (bench) => {
      url = await bench.database('Some Row');
      expect(await ask(url, 'select 1')).toEqual(['1']);
      throw new Error('it broke');
    });
    expect(await measure(row, failing, setting())).toEqual({ failed: 'it broke' });
    await expect(ask(url, 'select 1')).rejects.toThrow(/does not exist/);
  });

  it('take no figure that is none', async () => {
    expect(
      await measure(
        row,
        variant('a', async () => got(NaN)),
        setting(),
      ),
    ).toEqual({ failed: 'p50 is NaN' });
    const other = variant('a', async () => ({ ...got(1), values: { p99: 1 } }));
    expect(await measure(row, other, setting())).toHaveProperty('failed');
  });

  it('end when they are interrupted, and all that a measurement started ends with them', async () => {
    const interrupted = new AbortController();
    let ended = 0;
    const hanging = variant('a', (bench) => {
      return new Promise((_, reject) => {
        bench.releasers.add(() => {
          ended++;
          reject(new Error('its process is gone'));
        });
        interrupted.abort(new Error('interrupted'));
      });
    });
    const measured = measure(row, hanging, { ...setting(), signal: interrupted.signal });
    await expect(measured).rejects.toThrow('interrupted');
    expect(ended).toBe(1);
  });

  it('go on where they were interrupted, and begin anew with other code', async () => {
    const first = await RunState.open(folder, 'one', 'if-same');
    await first.remember('1/0/a', async () => got(7));
    const again = await RunState.open(folder, 'one', 'always');
    expect(await again.remember('1/0/a', () => Promise.reject(new Error('measured twice')))).toEqual(got(7));
    await expect(RunState.open(folder, 'two', 'always')).rejects.toThrow(/no run to resume/);
    expect((await RunState.open(folder, 'two', 'if-same')).size).toBe(0);
  });

  it('know goals that name what is not there', () => {
    const wrong: Row = {
      ...row,
      number: 1,
      title: '',
      method: '',
      variants: [variant('ours', async () => got(1))],
      goals: [{ text: 'g', metric: 'p99', of: 'ours', against: ['a'] }],
    };
    expect(danglingGoals(wrong)).toEqual(['g: no metric p99', 'g: no variant a', 'g: no limit']);
  });
});

it('the command line knows its sizes, and refuses what it does not understand', () => {
  expect(parseCommandLine([])).toEqual({
    size: 'short',
    rounds: 3,
    resume: false,
    output: 'docs/benchmarks',
  });
  expect(parseCommandLine(['--full', '--only', '1,3'])).toMatchObject({
    size: 'full',
    rounds: 5,
    only: [1, 3],
  });
  expect(parseCommandLine(['--smoke'])).toEqual({ size: 'smoke', rounds: 1, resume: false });
  for (const wrong of [['--full', '--smoke'], ['--only', '0'], ['--rounds', 'x'], ['--fast']])
    expect(() => parseCommandLine(wrong)).toThrow();
});
