import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { chooseSeed } from '../support/random.ts';
import { runScript, temporaryFolder } from './run-script.ts';
import type { Summary } from './summary.ts';

it(
  'P3: a dispatcher that trusts the doorbells loses events, and the chaos run says so with exit code 1',
  { timeout: 180_000 },
  async () => {
    const folder = await temporaryFolder();
    const seed = chooseSeed('without continuity');
    const load = ['--rounds', '1', '--seconds', '20', '--clients', '12', '--faults', 'disturbed doorbells'];
    const { code, output } = await runScript([
      '--without-continuity',
      ...load,
      '--seed',
      String(seed),
      '--out',
      folder,
    ]);
    const summary = JSON.parse(await readFile(join(folder, 'chaos.json'), 'utf8')) as Summary;
    expect(summary.counts.missed, output).toBeGreaterThan(0);
    expect(summary.examples.missed).not.toHaveLength(0);
    expect(summary.counts).toMatchObject({ doubled: 0, inverted: 0, foreign: 0, ghosts: 0, altered: 0 });
    expect(code, output).toBe(1);
    expect(output).toContain(`again with --seed ${seed}`);
  },
);
