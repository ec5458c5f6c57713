import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { until } from '../support/until.ts';

export const examples = new URL('../../examples/', import.meta.url).pathname;

export interface RunningExample {
  readonly output: () => string;
  /** Resolves with the exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  signal(name: NodeJS.Signals): void;
  /** What it has printed that is like this. Rejects with all of it when it ends without. */
  says(pattern: RegExp): Promise<string>;
}

/** An example in a process of its own, with nothing in its environment but what the test gives. Killed at the test's end. */
export function startExample(
  program: string,
  args: readonly string[],
  { cwd, env }: { cwd: string; env: Record<string, string> },
): RunningExample {
  const child = spawn(program, args, {
    cwd,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    output: () => output,
    ended,
    signal: (name) => void child.kill(name),
    async says(pattern) {
      const found = () => pattern.exec(output)?.[0];
      await until(() => found() !== undefined || child.exitCode !== null, { message: String(pattern) });
      const text = found();
      if (text === undefined) throw new Error(`It ended, and said:\n${output}`);
      return text;
    },
  };
}
