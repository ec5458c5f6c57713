import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { until } from './until.ts';

const main = new URL('../../dist/cli/main.js', import.meta.url).pathname;

export interface CliProcess {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves with the exit code when the process has ended. */
  readonly ended: Promise<number | null>;
}

/** Only what a shell of somebody else would have, and what the test gives. */
const cleanEnvironment = { PATH: process.env['PATH'], HOME: process.env['HOME'] };

/** Starts the built command. It is killed at the end of the test, if it runs still. */
export function startCli(args: string[], { cwd, env = {}, input }: CliOptions): CliProcess {
  const child = spawn(process.execPath, [main, ...args], {
    cwd,
    env: { ...cleanEnvironment, ...env },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text));
  child.stdin?.end(input);
  const ended = once(child, 'close').then(([code]) => code as number | null);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, stdout: () => out, stderr: () => err, ended };
}

export interface CliOptions {
  cwd: string;
  env?: Record<string, string>;
  input?: string;
}

/** Runs the built command to its end. */
export async function runCli(args: string[], options: CliOptions) {
  const running = startCli(args, options);
  const code = await running.ended;
  return { code, stdout: running.stdout(), stderr: running.stderr() };
}

/** A folder of the test's own. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'commitcast-cli-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Waits until the `serve` of a folder says where it is. */
export function servedIn(
  folder: string,
  pid: number | undefined,
): Promise<{ url: string; databaseUrl: string }> {
  return until(
    async () => {
      const text = await readFile(join(folder, '.commitcast/instance.json'), 'utf8');
      const instance = JSON.parse(text) as { pid: number; url: string; databaseUrl: string };
      return instance.pid === pid ? instance : undefined;
    },
    { timeoutMs: 60_000, message: `serve in ${folder}` },
  );
}
