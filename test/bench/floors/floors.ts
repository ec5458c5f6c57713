import type { Bench } from '../harness/row.ts';
import { startChild, type Child } from '../support/child.ts';
import type { Pulse } from './pulse.ts';

/** A server without a database, which makes the events itself. */
export interface Floor extends Child {
  readonly url: string;
  /** Returns how many events there were, when all have been handed to the sockets. */
  pulse(pulse: Pulse): Promise<number>;
  /** Bytes of the heap in use, after a collection. */
  heap(): Promise<number>;
}

export interface SocketIoFloor {
  tuned: boolean;
}

export function startWsFloor(bench: Bench): Promise<Floor> {
  return start(bench, 'ws-process.ts', {});
}

export function startSocketIoFloor(bench: Bench, options: SocketIoFloor): Promise<Floor> {
  return start(bench, 'socket-io-process.ts', options);
}

async function start(bench: Bench, file: string, options: object): Promise<Floor> {
  const child = startChild(bench, {
    args: ['--expose-gc', new URL(file, import.meta.url).pathname],
    core: bench.cores.server,
  });
  const port = await child.call<number>('start', options);
  return {
    ...child,
    url: `http://127.0.0.1:${port}`,
    pulse: (pulse) => child.call('pulse', pulse),
    heap: () => child.call('heap'),
  };
}
