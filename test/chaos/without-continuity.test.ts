import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { chooseSeed } from '../support/random.ts';
import type { Summary } from './summary.ts';

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

it(
  'P3: a dispatcher that trusts the doorbells loses events, and the chaos run says so with exit code 1',
  { timeout: 180_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'commitcast-chaos-test-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const seed = chooseSeed('without continuity');
    const load = ['--rounds', '1', '--seconds', '20', '--clients', '12', '--faults', 'disturbed doorbells'];
    const { code, output } = await runCommand([
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

function runCommand(args: string[]): Promise<{ code: number; output: string }> {
  const script = join(import.meta.dirname, 'run.ts');
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['--import', tsx, script, ...args], (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr });
    });
    onTestFinished(() => void child.kill('SIGKILL'));
  });
}
