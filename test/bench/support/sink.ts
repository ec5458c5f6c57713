import type { Bench } from '../harness/row.ts';
import { startChild, type Child } from './child.ts';
import type { SinkKind } from './sink-socket.ts';
import type { Summary } from './samples.ts';

/** Clients by the thousand, for little CPU: one process of raw sockets, which count what they get and check its order. */
export interface Sink extends Child {
  /** Adds clients; returns when all of them are live. Fails when one is refused. */
  connect(options: SinkConnect): Promise<void>;
  /** Waits until each client has so many events since the last `reset`. Fails as soon as one has ended. */
  until(events: number, timeoutMs?: number): Promise<void>;
  /** Of all clients since the last `reset`; `missed` is against the events that each of them was to get. */
  report(expected?: number): Promise<SinkReport>;
  /** Where each client is, in the order of `auth`. */
  places(): Promise<SinkPlace[]>;
  reset(): Promise<void>;
  /** All clients stop reading, from TCP on: those of Socket.IO answer no pings either, so not for long. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends the sockets of all clients, and forgets them. */
  disconnect(): Promise<void>;
}

export interface SinkConnect {
  /** `http://127.0.0.1:…`, for `ws` with the path. */
  url: string;
  count: number;
  kind: SinkKind;
  /** The CONNECT packet of Socket.IO: one for all, or one each. */
  auth?: object | readonly object[];
  /** Default: as fast as they are accepted. */
  perSecond?: number;
  /** So many are on their way at most. Default: 250, which the queue of a listening socket holds (511 in Node). */
  atOnce?: number;
}

/** Times are of `nowUs`. Infinite or not a number where nothing came: `null`, as JSON says it. */
export interface SinkReport {
  clients: number;
  /** Ended by the server. */
  failed: number;
  events: number;
  /** That had events in them. */
  messages: number;
  leastEvents: number;
  mostEvents: number;
  missed: number;
  /** The same position again. */
  doubled: number;
  /** A lower position than the one before. */
  disordered: number;
  resets: number;
  bytes: number;
  firstAtUs: number;
  lastAtUs: number;
  /** When the first began to connect, and when the last was live. */
  beganAtUs: number;
  liveAtUs: number;
  /** From the beginning of a client's connection until it was live. */
  liveUs: Summary;
  /** From `"due":…` in an event's data, a time of `nowUs`, until it was read, of each event of each client. */
  latencyUs: Summary;
}

export interface SinkPlace {
  pid: string | undefined;
  /** Cursor, or offset of Socket.IO's recovery. */
  place: string | undefined;
  lastAtUs: number;
  liveAtUs: number;
}

/** Starts it on the core of the load, without clients. */
export function startSink(bench: Pick<Bench, 'releasers' | 'cores'>, core = bench.cores.load): Sink {
  const child = startChild(bench, {
    args: [new URL('sink-process.ts', import.meta.url).pathname],
    core,
  });
  return {
    ...child,
    connect: (options) => child.call('connect', options),
    until: (events, timeoutMs = 40_000) => child.call('until', { events, timeoutMs }),
    report: (expected) => child.call('report', expected),
    places: () => child.call('places'),
    reset: () => child.call('reset'),
    pause: () => child.call('pause'),
    resume: () => child.call('resume'),
    disconnect: () => child.call('disconnect'),
  };
}
