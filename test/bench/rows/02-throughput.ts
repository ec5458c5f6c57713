import { sized, type Bench, type Measurement, type Row } from '../harness/row.ts';
import { ms } from '../support/samples.ts';
import { runWay } from './01-latency/measure-way.ts';
import { memory, ours, type Way } from './01-latency/ways.ts';
import { highestRate } from './02-throughput/search.ts';

const clients = 10;
const perSecond = 2_000;
const limitMs = 50;

async function measure(bench: Bench, way: Way): Promise<Measurement> {
  const rate = sized(bench, { smoke: 200, short: perSecond, full: perSecond });
  const running = await runWay(bench, way, {
    clients,
    warmUp: { perSecond: rate, seconds: sized(bench, { smoke: 0.3, short: 1, full: 5 }) },
  });
  const wrong = { missed: 0, doubled: 0, disordered: 0 };
  const send = async (load: { perSecond: number; seconds: number }) => {
    const { written, received } = await running.send(load);
    wrong.missed += received.missed;
    wrong.doubled += received.doubled;
    wrong.disordered += received.disordered;
    return { written, received };
  };
  const { written, received } = await send({
    perSecond: rate,
    seconds: sized(bench, { smoke: 0.5, short: 2, full: 60 }),
  });
  const holdsOnce = async (tried: number) => {
    const seconds = sized(bench, { smoke: 0.3, short: 1.5, full: 10 });
    const { missed, latencyUs } = (await send({ perSecond: tried, seconds })).received;
    const p99 = ms(latencyUs.p99);
    bench.progress(`${tried} events/s: p99 ${p99.toFixed(1)} ms`);
    return missed === 0 && p99 < limitMs;
  };
  // Once more before it counts: in so short a step one pause of the machine is the whole percentile.
  const holds = async (tried: number) => (await holdsOnce(tried)) || (await holdsOnce(tried));
  const search = sized(bench, {
    smoke: { from: 100, steps: 1, highest: 100 },
    short: { from: 500, steps: 6, highest: 32_000 },
    full: { from: perSecond, steps: 8, highest: 32_000 },
  });
  return {
    values: {
      p50: ms(received.latencyUs.p50),
      p99: ms(received.latencyUs.p99),
      rate: await highestRate(search, holds),
      late: ms(written.lateUsP99),
    },
    ...wrong,
  };
}

const floor = 'Socket.IO without a database';

export const throughput: Row = {
  number: 2,
  title: 'Many events to a few subscribers',
  method:
    '2,000 transactions a second with one event each, due at fixed times, to 10 clients that see all of them; then the ' +
    `highest rate at which the 99th percentile stays below ${limitMs} ms and nothing is missed: doubled until one does not hold, ` +
    'then halved between; a rate that fails is tried twice. The floor is a stock Socket.IO server that is told each event ' +
    'over a WebSocket and emits it: nothing is stored, and nothing committed.',
  metrics: {
    p99: { label: 'latency at 2,000 events/s, 99th percentile', unit: 'ms' },
    p50: { label: 'latency at 2,000 events/s, median', unit: 'ms' },
    rate: { label: `highest rate with p99 < ${limitMs} ms`, unit: '/s' },
    late: { label: "the generator's part of the latency, 99th percentile", unit: 'ms' },
  },
  variants: [
    { name: 'commitcast', kind: 'ours', always: true, measure: (bench) => measure(bench, ours) },
    { name: floor, kind: 'floor', always: true, measure: (bench) => measure(bench, memory) },
  ],
  goals: [
    { text: 'p99 ≤ 2 × the floor', metric: 'p99', of: 'commitcast', against: [floor], atMost: 2 },
    { text: 'rate ≥ 0.7 × the floor', metric: 'rate', of: 'commitcast', against: [floor], atLeast: 0.7 },
  ],
};
