import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { listProcesses } from '../../src/embedded/process-table.ts';
import { until } from '../support/until.ts';
import { parseCommandLine } from './options.ts';

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

it(
  'Ctrl-C ends a chaos run early, with its verdict, and no process of it is left',
  { timeout: 240_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'commitcast-chaos-test-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const args = [
      '--minutes',
      '30',
      '--clients',
      '6',
      '--seed',
      '1',
      '--faults',
      'frozen leader',
      '--out',
      folder,
    ];
    const child = spawn(process.execPath, ['--import', tsx, join(import.meta.dirname, 'run.ts'), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      // The data of its Postgres as well.
      env: { ...process.env, TMPDIR: folder },
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const exited = once(child, 'exit');
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
    // Its instances run by then, and a fault has been done.
    await until(() => lines.some((line) => line.includes('frozen leader')), { timeoutMs: 120_000 });
    expect((await processesOf(folder)).length).toBeGreaterThan(4);
    child.kill('SIGINT');
    expect(await exited).toEqual([0, null]);
    expect(lines).toContain('every promise was kept');
    expect(await processesOf(folder)).toEqual([]);
  },
);

it('refuses a command line that it does not understand', () => {
  expect(() => parseCommandLine(['--minutes', 'many'])).toThrow('--minutes');
  expect(() => parseCommandLine(['--adapter', 'memory'])).toThrow('--adapter');
  expect(() => parseCommandLine(['--forever'])).toThrow('--forever');
  expect(parseCommandLine(['--minutes', '2', '--seed', '7'])).toMatchObject({ seconds: 120, seed: 7 });
});

/** Command lines that name the folder, our own child's among them. */
async function processesOf(folder: string): Promise<string[]> {
  return (await listProcesses()).map(({ command }) => command).filter((command) => command.includes(folder));
}
