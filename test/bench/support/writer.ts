import type { Bench } from '../harness/row.ts';
import { startChild, type Child } from './child.ts';

export interface WriterOptions {
  databaseUrl?: string;
  /** Instead of a database: a WebSocket server that gets each event, as JSON text, in a message. */
  url?: string;
  /** To the database. Default: 12. */
  connections?: number;
  /** Default: the core of the load. */
  core?: number | undefined;
}

export interface Load {
  /** Transactions a second. */
  perSecond: number;
  seconds: number;
  /** Default: 1. */
  eventsPerTransaction?: number;
  /** The event with number `n` is one of unit `u<n % units>`. Default: 1. */
  units?: number;
  /** Length of the text that is added to the data of each event. Default: 0. */
  dataBytes?: number;
  /** Default: `acme`. */
  org?: string;
  /**
   * One statement, which is the whole transaction. Default: an insert into the outbox. It may name `:org`; `:unit` and
   * `:event` (JSON as text) of the first event; and `:units` and `:events`, arrays of text, of all of them.
   */
  statement?: string;
}

export interface Written {
  /** Events of this run. */
  sent: number;
  /** Number of the first of them: numbers run on over the runs of a writer, from 0. */
  first: number;
  /** From the time at which a transaction was due until its statement was sent: the generator's own share of the latencies. */
  lateUsP99: number;
  /** From the time at which the first was due until the last one was committed, or handed to the socket. */
  seconds: number;
}

/** An open-loop generator in a process of its own: a transaction is due when its time has come, however late others are. */
export interface Writer extends Child {
  /**
   * Resolves when all is committed; one run at a time. The data of each event is `{ "due": …, "n": … }`: when its
   * transaction was due, in microseconds on the clock of `nowUs`, and its number.
   */
  run(load: Load): Promise<Written>;
}

/** Starts a generator with its connections open. */
export async function startWriter(bench: Bench, options: WriterOptions): Promise<Writer> {
  const { core = bench.cores.load, connections = 12, databaseUrl, url } = options;
  const child = startChild(bench, {
    args: [new URL('writer-process.ts', import.meta.url).pathname],
    core,
  });
  await child.call('connect', { databaseUrl, url, connections });
  return { ...child, run: (load) => child.call<Written>('run', load) };
}
