import type { Subscription } from '../../../src/core/subscription.ts';
import type { Bench } from '../harness/row.ts';
import { startChild, type Child } from './child.ts';
import type { Summary } from './samples.ts';

export interface SubscribersOptions {
  url: string;
  clients: number;
  /** Of each of the clients. Default: all of the org, or one unit each when `units` is given. */
  subscriptions?: Subscription[];
  /** Client `k` has unit `u<k % units>`, as the writer names them. */
  units?: number;
  /** Default: `acme`. */
  org?: string;
  /**
   * `socket.io`: a stock server, which sends arrays of events as `events`, as ours does, and has no positions.
   * `ws`: a plain one; each frame is such an array. Default: `commitcast`.
   */
  kind?: 'commitcast' | 'socket.io' | 'ws';
  /** Default: the core of the load. */
  core?: number | undefined;
}

export interface Received {
  /** From the time at which a transaction was due until the callback, in microseconds, over all events of all clients. */
  latencyUs: Summary;
  /** Over all clients, since the last reset. */
  missed: number;
  doubled: number;
  /** How often a position was not above the one before it; 0 where there are none. */
  disordered: number;
}

/** Stock clients in a process of their own. */
export interface Subscribers extends Child {
  /** Resolves when all are live. */
  connect(): Promise<void>;
  /**
   * Waits until every client has so many events since the last reset; when nothing comes for `patienceMs`, what is
   * missing is missed. Its default is longer than any stall that is not a loss: relay, dispatchers and clients look
   * again within some seconds.
   */
  result(expected: number, options?: { patienceMs?: number }): Promise<Received>;
  /** Forgets what came so far, such as that of a warm-up. */
  reset(): Promise<void>;
}

/** Starts the process; `connect` connects. */
export async function startSubscribers(bench: Bench, options: SubscribersOptions): Promise<Subscribers> {
  const { core = bench.cores.load, ...settings } = options;
  const child = startChild(bench, {
    args: [new URL('subscribers-process.ts', import.meta.url).pathname],
    core,
  });
  await child.call('prepare', settings);
  return {
    ...child,
    connect: () => child.call('connect'),
    result: (expected, { patienceMs = 10_000 } = {}) =>
      child.call<Received>('result', { expected, patienceMs }),
    reset: () => child.call('reset'),
  };
}
