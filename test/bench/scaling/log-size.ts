import type { Bench, Measurement } from '../harness/row.ts';
import type { Replayed, Replays } from '../rows/12-log-size/replay-process.ts';
import { startChild } from '../support/child.ts';
import { fillLog, type FilledLog } from '../support/fill-log.ts';
import { median } from '../support/samples.ts';
import { startServer } from '../support/server.ts';
import { total } from '../support/wire.ts';
import { smaller, type Sweep } from './sweep.ts';

/** As many are as busy as the one that is replayed: the same in each size, so that the same lies between its events. */
const units = 5;

export const logSize: Sweep = {
  name: 'log',
  title: 'Size of the log',
  method: `As row 12: a log with the events of ${units} units, committed over 30 days. The server starts; then a client of one unit
    comes, again and again, with a cursor 1,000 of its events back, and is timed from its connect until it is live: its replay is the
    median of 15, after 5 that warm it up. A log is filled once, at its first point, for both rounds.`,
  axis: { label: 'events in the log', logarithmic: true },
  points: { smoke: [2_000, 10_000], whole: [10_000, 100_000, 1_000_000] },
  metrics: {
    replay: { label: 'replay of 1,000 events, p50', unit: 'ms' },
    start: { label: 'start of the server, spawn to listening', unit: 'ms' },
  },
  charts: [
    {
      title: 'Replay of 1,000 missed events',
      unit: 'ms',
      lines: [{ metric: 'replay', label: 'connect → live, p50', kind: 'ours' }],
    },
    {
      title: 'Start of the server',
      unit: 'ms',
      lines: [{ metric: 'start', label: 'spawn → listening', kind: 'ours' }],
    },
  ],
  open,
};

async function open(bench: Bench): Promise<(events: number) => Promise<Measurement>> {
  const logs = new Map<number, FilledLog>();
  const client = startChild(bench, {
    args: [new URL('../rows/12-log-size/replay-process.ts', import.meta.url).pathname],
    core: bench.cores.load,
  });
  return async (events) => {
    const log = logs.get(events) ?? (await fillLog(bench, events, { units }));
    logs.set(events, log);
    const began = performance.now();
    const server = await startServer(bench, { databaseUrl: log.databaseUrl, adapter: 'memory' });
    const start = performance.now() - began;

    const count = smaller(bench, 200, 1_000);
    const after = events - count * units;
    const replay = (times: number) =>
      client.call<Replayed>('replay', {
        url: server.url,
        cursor: log.cursorAt(after),
        unit: 'u0',
        // Its events of the log are the multiples of `units`.
        numbers: { after, every: units, count },
        times,
      } satisfies Replays);
    // A server that has just started, and at the first point the client, too, would be timed while code is compiled.
    const warmUp = await replay(smaller(bench, 1, 5));
    const measured = await replay(smaller(bench, 3, 15));
    await server.stop();
    return { values: { replay: median(measured.durationsMs), start }, ...total([warmUp, measured]) };
  };
}
