import type { Bench, Measurement, Row, Variant } from '../harness/row.ts';
import { sized } from '../harness/row.ts';
import { startChild } from '../support/child.ts';
import { fillLog } from '../support/fill-log.ts';
import { median, ms } from '../support/samples.ts';
import { startServer } from '../support/server.ts';
import { startSubscribers } from '../support/subscribers.ts';
import { startWriter } from '../support/writer.ts';
import type { Replayed, Replays } from './12-log-size/replay-process.ts';

/** As many are as busy as the one that is replayed: the same in each size, so that the same lies between its events. */
const units = 5;

export const logSize: Row = {
  number: 12,
  title: 'The size of the log',
  method: `The log is filled first, with the events of ${units} units that were committed over 30 days. Then the server starts;
    a client of one unit comes, again and again, with a cursor 1,000 of its events back, and is timed from its connect until it is
    live; and a generator commits 100 events a second, each timed from when it was due until a client of the whole org has it.`,
  metrics: {
    replay: { label: 'replay of 1,000 events, p50', unit: 'ms' },
    tail: { label: 'commit → client callback, 100 events/s, p50', unit: 'ms' },
    start: { label: 'start of the server, spawn to listening', unit: 'ms' },
  },
  variants: [
    variant('10k', 'floor', true, { smoke: 2_000, short: 10_000, full: 10_000 }),
    variant('1M', 'ours', true, { smoke: 20_000, short: 1_000_000, full: 1_000_000 }),
    variant('10M', 'ours', false, { smoke: 40_000, short: 10_000_000, full: 10_000_000 }),
  ],
  goals: ['1M', '10M'].flatMap((of) =>
    ['replay', 'tail'].map((metric) => ({
      text: `${metric} with ${of} ≤ 1.3 × with 10k`,
      metric,
      of,
      against: ['10k'],
      atMost: 1.3,
    })),
  ),
};

function variant(
  name: string,
  kind: Variant['kind'],
  always: boolean,
  sizes: Record<Bench['size'], number>,
): Variant {
  return { name, kind, always, measure: (bench) => measure(bench, sized(bench, sizes)) };
}

async function measure(bench: Bench, events: number): Promise<Measurement> {
  const { databaseUrl, cursorAt } = await fillLog(bench, events, { units });
  const began = performance.now();
  const { url } = await startServer(bench, { databaseUrl, adapter: 'memory' });
  const start = performance.now() - began;

  const missing = sized(bench, { smoke: 200, short: 1_000, full: 1_000 });
  const after = events - missing * units;
  const client = startChild(bench, {
    args: [new URL('12-log-size/replay-process.ts', import.meta.url).pathname],
    core: bench.cores.load,
  });
  const replayed = await client.call<Replayed>('replay', {
    url,
    cursor: cursorAt(after),
    unit: 'u0',
    // Its events of the log are the multiples of `units`.
    numbers: { after, every: units, count: missing },
    times: sized(bench, { smoke: 3, short: 15, full: 50 }),
  } satisfies Replays);
  await client.stop();

  const tail = await measureTail(bench, { databaseUrl, url });
  return {
    values: { replay: median(replayed.durationsMs), tail: ms(tail.latencyUs.p50), start },
    missed: replayed.missed + tail.missed,
    doubled: replayed.doubled + tail.doubled,
    disordered: replayed.disordered + tail.disordered,
  };
}

async function measureTail(bench: Bench, { databaseUrl, url }: { databaseUrl: string; url: string }) {
  const subscribers = await startSubscribers(bench, { url, clients: 1 });
  const writer = await startWriter(bench, { databaseUrl, connections: 4 });
  await subscribers.connect();
  const load = { perSecond: 100, units };
  const warmUp = await writer.run({ ...load, seconds: 0.5 });
  await subscribers.result(warmUp.sent);
  await subscribers.reset();
  const { sent } = await writer.run({ ...load, seconds: sized(bench, { smoke: 0.5, short: 3, full: 20 }) });
  return subscribers.result(sent);
}
