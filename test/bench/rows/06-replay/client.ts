import type { Bench } from '../../harness/row.ts';
import { startChild, type Child } from '../../support/child.ts';
import type { Completeness } from '../../support/wire.ts';

export interface ReplayOptions {
  url: string;
  /** Absent: a plain WebSocket that is sent everything unasked. */
  auth?: { pid?: string; [name: string]: unknown };
  /** Events, numbered from 0. */
  expected: number;
  /** `live`: the frame that says so; `count`: the last of the expected events. */
  until: 'live' | 'count';
}

export interface Replayed extends Completeness {
  us: number;
  bytes: number;
}

/** What a stock client shows to have its session recovered. */
export interface Session {
  pid: string;
  offset: string;
}

export interface ReplayClient extends Child {
  replay(options: ReplayOptions): Promise<Replayed>;
  /** Connects to a stock server, and stays. */
  prime(url: string, auth: object): Promise<void>;
  /** Waits for an event, and goes. */
  leave(): Promise<Session>;
}

export function startReplayClient(bench: Bench): ReplayClient {
  const child = startChild(bench, {
    args: [new URL('client-process.ts', import.meta.url).pathname],
    core: bench.cores.load,
  });
  return {
    ...child,
    replay: (options) => child.call<Replayed>('replay', options),
    prime: (url, auth) => child.call('prime', { url, auth }),
    leave: () => child.call<Session>('leave'),
  };
}
