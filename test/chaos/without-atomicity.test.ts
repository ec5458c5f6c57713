import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { chooseSeed } from '../support/random.ts';
import { runScript, temporaryFolder } from './run-script.ts';
import type { Summary } from './summary.ts';

it(
  'a handler that does not write in its transaction applies events twice, and the chaos run says so with exit code 1',
  { timeout: 240_000 },
  async () => {
    const folder = await temporaryFolder();
    const seed = chooseSeed('without atomicity');
    const load = [
      // Not each finds a transaction to end.
      '--rounds',
      '30',
      '--seconds',
      '20',
      '--clients',
      '6',
      '--faults',
      'ended: commitcast-handler',
    ];
    const { code, output } = await runScript([
      '--without-atomicity',
      ...load,
      '--seed',
      String(seed),
      '--out',
      folder,
    ]);
    const summary = JSON.parse(await readFile(join(folder, 'chaos.json'), 'utf8')) as Summary;
    expect(summary.counts.rehandled, output).toBeGreaterThan(0);
    expect(summary.counts.misfolded, output).toBeGreaterThan(0);
    expect(summary.counts, output).toMatchObject({ missed: 0, doubled: 0, inverted: 0, unhandled: 0 });
    expect(code, output).toBe(1);
    expect(output).toContain(`again with --seed ${seed}`);
  },
);
