import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import type { ConsumeOptions } from '../../src/consumer/options.ts';
import { startScript } from '../embedded/script-process.ts';

/** A consumer that writes lines, until it comes to the event with this data. */
export interface WorkerScript {
  databaseUrl: string;
  options: Pick<ConsumeOptions<unknown>, 'name' | 'partitions' | 'batch' | 'maxAttempts' | 'onPoison'>;
  at: number;
  /** There it ends its process; or it waits, in its transaction, for the advisory lock of this key. */
  fate: 'exit' | { key: number };
}

export type WorkerReport = { kind: 'started' } | { kind: 'at'; pid: number };

export interface WorkerProcess {
  /** Resolves with the backend of its transaction when it has come to the event, and waits there. */
  at(): Promise<number>;
  /** Resolves when it has ended by itself. */
  ended: Promise<unknown>;
  /** kill -9. */
  kill(): Promise<void>;
  freeze(): void;
  thaw(): void;
}

export async function startWorker(script: WorkerScript): Promise<WorkerProcess> {
  const worker = startScript('../consumer/worker-process.ts', JSON.stringify(script));
  const { process } = worker;
  const ended = once(process, 'exit');
  // Before the script's own end, which waits for it; a frozen one would never come to it.
  onTestFinished(() => void process.kill('SIGKILL'));
  const next = async (kind: WorkerReport['kind']): Promise<WorkerReport> => {
    const report = await worker.next<WorkerReport>();
    return report.kind === kind ? report : next(kind);
  };
  if (script.fate === 'exit') return { ...parts(), at: () => Promise.reject(new Error('it does not wait')) };
  return {
    ...parts(),
    async at() {
      const report = await next('at');
      return report.kind === 'at' ? report.pid : 0;
    },
  };

  function parts(): Omit<WorkerProcess, 'at'> {
    return {
      ended,
      kill: () => worker.kill(),
      freeze: () => void process.kill('SIGSTOP'),
      thaw: () => void process.kill('SIGCONT'),
    };
  }
}
