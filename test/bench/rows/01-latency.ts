import { sized, type Bench, type Measurement, type Row, type Variant } from '../harness/row.ts';
import { ms } from '../support/samples.ts';
import { noteOn, runWay } from './01-latency/measure-way.ts';
import { emmett, graphileWorker, notify, ours, transactionalOutbox, type Way } from './01-latency/ways.ts';

const perSecond = 100;

async function measure(bench: Bench, way: Way): Promise<Measurement> {
  const seconds = sized(bench, { smoke: 1, short: 5, full: 60 });
  const running = await runWay(bench, way, {
    clients: 1,
    warmUp: { perSecond, seconds: sized(bench, { smoke: 0.3, short: 1, full: 5 }) },
  });
  const { written, received } = await running.send({ perSecond, seconds });
  const { latencyUs, missed, doubled, disordered } = received;
  return {
    values: { p50: ms(latencyUs.p50), p99: ms(latencyUs.p99), late: ms(written.lateUsP99) },
    missed,
    doubled,
    disordered,
    ...noteOn(received, written),
  };
}

function variant(name: string, kind: Variant['kind'], always: boolean, way: Way): Variant {
  const { unavailable } = way;
  return { name, kind, always, measure: (bench) => measure(bench, way), ...(unavailable && { unavailable }) };
}

const peers = ['graphile-worker', 'emmett', 'pg-transactional-outbox'];

export const latency: Row = {
  number: 1,
  title: 'From the transaction to the callback in the browser',
  method:
    '100 transactions a second with one event each are due at fixed times, whether or not others are late; latency is from ' +
    'the time at which a transaction was due until the callback of one client, so it includes the commit itself. The floor is ' +
    'pg_notify with the whole event, and one WebSocket frame for it. The peers hand on to a stock Socket.IO server.',
  metrics: {
    p50: { label: 'latency, median', unit: 'ms' },
    p99: { label: 'latency, 99th percentile', unit: 'ms' },
    late: { label: "the generator's part of it, 99th percentile", unit: 'ms' },
  },
  variants: [
    variant('commitcast', 'ours', true, ours),
    variant('pg_notify + ws', 'floor', true, notify),
    variant('graphile-worker', 'peer', true, graphileWorker),
    variant('emmett', 'peer', false, emmett(2)),
    variant('pg-transactional-outbox', 'peer', false, transactionalOutbox),
  ],
  goals: [
    {
      text: 'p50 ≤ 1.5 × the floor',
      metric: 'p50',
      of: 'commitcast',
      against: ['pg_notify + ws'],
      atMost: 1.5,
    },
    { text: 'p50 ≤ 1/3 of the best peer', metric: 'p50', of: 'commitcast', against: peers, atMost: 1 / 3 },
  ],
};
