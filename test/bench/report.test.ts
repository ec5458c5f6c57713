import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Machine } from './harness/machine.ts';
import { pageOf, replaceSection } from './harness/markdown.ts';
import { plot } from './harness/plot.ts';
import { judge } from './harness/ratios.ts';
import { writeReport } from './harness/report.ts';
import { mergeResults, readResults, type RowResult, type VariantResult } from './harness/results.ts';
import type { Goal, Measurement } from './harness/row.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bench-report-'));
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
const goal: Goal = {
  text: 'p50 ≤ 0.5 × the best',
  metric: 'p50',
  of: 'ours',
  against: ['a', 'b'],
  atMost: 0.5,
};
const got = (p50: number): Measurement => ({ values: { p50 }, missed: 0, doubled: 0, disordered: 0 });
const variants: VariantResult[] = [
  { name: 'ours', kind: 'ours', rounds: [got(1), got(2)] },
  { name: 'a', kind: 'peer', rounds: [got(300), { failed: 'a | b' }] },
];

function rowResult(number: number): RowResult {
  return {
    number,
    title: `Row <${number}>`,
    method: 'How.',
    metrics: { p50: { label: 'p50', unit: 'ms' } },
    run: { date: '2026-11-23T00:00:00Z', commit: 'abc', size: 'short', rounds: 2, versions: {} },
    machine,
    variants,
    goals: judge({ goals: [goal] }, variants),
    problems: [],
  };
}

describe('the report', () => {
  it('replaces what is between the marks, and nothing else', () => {
    const page = 'before\n\n<!-- results -->\n\nold\n\n<!-- /results -->\n\nafter $1\n';
    expect(replaceSection(page, 'results', 'new $& one\n')).toBe(page.replace('old', () => 'new $& one'));
    expect(() => replaceSection('no marks', 'results', '')).toThrow(/no section/);
  });

  it('shows figures, verdicts and failures', () => {
    const page = pageOf([rowResult(1)]);
    expect(page).toContain('| ours | ours | 1.50 [1.00–2.00] |  |');
    expect(page).toContain('failed in 1 of 2 rounds: a \\| b');
    expect(page).toMatch(/\| p50 ≤ 0\.5 × the best \| ours \/ a \| 0\.00333 \| met \|/);
  });

  it('of some rows keeps the results of the others, and the words around them', async () => {
    const output = join(folder, 'report');
    await writeReport(output, [rowResult(1), rowResult(2)]);
    const page = join(output, 'README.md');
    await writeFile(page, `${await readFile(page, 'utf8')}\nWritten by hand.\n`);
    await writeReport(output, [{ ...rowResult(2), title: 'Newer' }]);
    const rows = await readResults(join(output, 'results.json'));
    expect(rows.map(({ title }) => title)).toEqual(['Row <1>', 'Newer']);
    const text = await readFile(page, 'utf8');
    expect(text).toContain('### 1. Row');
    expect(text).toContain('### 2. Newer');
    expect(text).toContain('Written by hand.');
    expect(mergeResults(rows, [rowResult(3)])).toHaveLength(3);
  });

  it('draws bars that differ too much for a linear axis on a logarithmic one', () => {
    expect(plot(rowResult(1))).toContain('logarithmic');
    const alike = { ...rowResult(1), variants: variants.slice(0, 1) };
    expect(plot(alike)).not.toContain('logarithmic');
  });
});
