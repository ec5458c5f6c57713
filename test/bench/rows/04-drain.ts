import type { Bench, Measurement, Row, Variant } from '../harness/row.ts';
import { sized } from '../harness/row.ts';
import { startChild } from '../support/child.ts';
import { fillLog } from '../support/fill-log.ts';
import { peerUnavailable } from '../support/peer.ts';
import { startServer } from '../support/server.ts';
import type { Drained } from '../support/tally.ts';

/** What a process is told to drain. Which of the rest it needs, it knows. */
export interface Backlog {
  databaseUrl: string;
  events: number;
  /** Of the consumer. */
  batch?: number | undefined;
  /** Of the server, and where to begin there. */
  url?: string;
  cursor?: string;
}

export const drain: Row = {
  number: 4,
  title: 'Draining a backlog',
  method: `A backlog of 200,000 events is made first. Then a process on the core of Postgres begins to handle them, by
    counting: the clock runs from its first connection until the last event was handled. The cursor loop reads all columns in
    pages of 1,000, and remembers nothing. The consumer moves its checkpoint in a transaction of each batch, whose
    size it finds by itself. The dispatcher replays to one Socket.IO client, on the core of the load. Peers take pages of 1,000 where
    they can; graphile-worker runs 10 jobs at once. In a short run, peers have a tenth of the backlog.`,
  metrics: { rate: { label: 'events drained', unit: '/s' } },
  variants: [
    ofTheLog('cursor loop', 'floor', true, (bench, backlog) =>
      drainBy(bench, 'cursor-loop', bench.cores.server, backlog),
    ),
    ofTheLog('commitcast consumer', 'ours', true, (bench, backlog) =>
      drainBy(bench, 'consumer', bench.cores.server, backlog),
    ),
    ofTheLog('commitcast consumer, batch 5,000', 'ours', true, (bench, backlog) =>
      drainBy(bench, 'consumer', bench.cores.server, { ...backlog, batch: 5_000 }),
    ),
    ofTheLog('commitcast dispatcher', 'ours', true, async (bench, backlog) => {
      const { url } = await startServer(bench, { databaseUrl: backlog.databaseUrl, adapter: 'memory' });
      return drainBy(bench, 'subscriber', bench.cores.load, { ...backlog, url });
    }),
    peer('pg-boss', true),
    peer('graphile-worker', false),
    peer('emmett', false, '@event-driven-io/emmett-postgresql'),
  ],
  goals: [
    {
      text: 'consumer ≥ 0.8 × the cursor loop',
      metric: 'rate',
      of: 'commitcast consumer',
      against: ['cursor loop'],
      atLeast: 0.8,
    },
    {
      text: 'consumer ≥ 10 × pg-boss',
      metric: 'rate',
      of: 'commitcast consumer',
      against: ['pg-boss'],
      atLeast: 10,
    },
  ],
};

function ofTheLog(
  name: string,
  kind: 'ours' | 'floor',
  always: boolean,
  drainAll: (bench: Bench, backlog: Backlog) => Promise<Drained>,
): Variant {
  const measure = async (bench: Bench): Promise<Measurement> => {
    const events = sized(bench, { smoke: 2_000, short: 200_000, full: 200_000 });
    const { databaseUrl, cursorAt } = await fillLog(bench, events);
    return measurementOf(events, await drainAll(bench, { databaseUrl, events, cursor: cursorAt(0) }));
  };
  return { name, kind, always, measure };
}

function drainBy(
  bench: Bench,
  program: string,
  core: number | undefined,
  backlog: Backlog,
): Promise<Drained> {
  const args = [new URL(`04-drain/${program}-process.ts`, import.meta.url).pathname];
  return startChild(bench, { args, core }).call<Drained>('drain', backlog);
}

function peer(name: string, always: boolean, module = name): Variant {
  return {
    name,
    kind: 'peer',
    always,
    unavailable: () => peerUnavailable(module),
    measure: async (bench) => {
      const events = sized(bench, { smoke: 500, short: 20_000, full: 200_000 });
      const databaseUrl = await bench.database('drain');
      const args = [new URL(`../peers/drain-${name}.mjs`, import.meta.url).pathname];
      const child = startChild(bench, { args, core: bench.cores.server });
      await child.call('prepare', { databaseUrl, events });
      return measurementOf(events, await child.call<Drained>('drain'));
    },
  };
}

function measurementOf(events: number, { seconds, ...told }: Drained): Measurement {
  return { values: { rate: (events - told.missed) / seconds }, ...told };
}
