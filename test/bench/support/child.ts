import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { Bench } from '../harness/row.ts';

/** A process of a measurement: pinned, spoken to over Node's IPC channel, killed at the latest when the measurement ends. */
export interface Child {
  readonly process: ChildProcess;
  /** Sends `{ name, value }`, and resolves with the `value` of the next message `{ name, value }` that comes back. */
  call<Result = void>(name: string, value?: unknown): Promise<Result>;
  /** CPU time of all its threads so far, in seconds. */
  cpuSeconds(): Promise<number>;
  /** Resident memory in bytes. */
  memory(): Promise<number>;
  /** Ends it by SIGTERM, then by SIGKILL. Idempotent. */
  stop(): Promise<void>;
}

export interface ChildOptions {
  /** Arguments of `node`, flags first: a `.ts` file is run with tsx. */
  args: string[];
  env?: Record<string, string>;
  core?: number | undefined;
  cwd?: string;
}

const ticksPerSecond = 100;

/** Starts Node with these arguments. Its standard error is ours; its output is kept to itself. */
export function startChild(bench: Pick<Bench, 'releasers'>, options: ChildOptions): Child {
  const { args, env = {}, core, cwd } = options;
  const script = args.find((arg) => !arg.startsWith('-'));
  const node = [process.execPath, ...(script?.endsWith('.ts') ? ['--import', 'tsx'] : []), ...args];
  const [command = '', ...rest] = core === undefined ? node : ['taskset', '-c', String(core), ...node];
  const child = spawn(command, rest, {
    cwd,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = once(child, 'close');
  // Heard of by whoever waits for it.
  ended.catch(() => undefined);
  const stop = async () => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await ended;
    clearTimeout(timer);
  };
  bench.releasers.add(stop);
  return {
    process: child,
    call: (name, value) => call(child, name, value),
    cpuSeconds: async () => {
      const stat = await readFile(`/proc/${child.pid}/stat`, 'utf8');
      const [user, system] = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .slice(11, 13);
      return (Number(user) + Number(system)) / ticksPerSecond;
    },
    memory: async () => {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1_024;
    },
    stop,
  };
}

interface Message {
  name: string;
  value?: unknown;
}

function call<Result>(child: ChildProcess, name: string, value: unknown): Promise<Result> {
  return new Promise((resolve, reject) => {
    const finish = () => {
      child.off('message', onMessage);
      child.off('close', onClose);
    };
    const onMessage = (message: Message) => {
      if (message.name !== name && message.name !== 'failed') return;
      finish();
      if (message.name === name) resolve(message.value as Result);
      else reject(new Error(`${child.spawnargs.at(-1)}: ${String(message.value)}`));
    };
    const onClose = () => {
      finish();
      reject(new Error(`${child.spawnargs.slice(-2).join(' ')} ended while "${name}" was waited for`));
    };
    child.on('message', onMessage);
    child.on('close', onClose);
    child.send({ name, value } satisfies Message);
  });
}
