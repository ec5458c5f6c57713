import { signToken } from '../../support/tokens.ts';
import type { Bench, Measurement } from '../harness/row.ts';
import { startSink, type Sink } from '../support/sink.ts';
import { commitcastSubject, wsSubject, type Subject } from '../support/subject.ts';
import { total, type Completeness } from '../support/wire.ts';
import { costOf, idleCost, type Cost } from './cost.ts';
import { smaller, type Sweep } from './sweep.ts';

const kinds = ['single', 'burst'] as const;
type Kind = (typeof kinds)[number];

const eventsAtOnce: Record<Kind, number> = { single: 1, burst: 16 };
const dataBytes = 100;

export const sockets: Sweep = {
  name: 'sockets',
  title: 'Sockets in one room',
  method: `As row 5: every socket gets every event, one at a time, then 16 at once (for ours, one transaction over 16 units). CPU time
    of the server’s process, without that of the same time idle and without that of the same events with a single socket,
    divided by deliveries. Ours reads the events from Postgres; \`ws\` makes them itself and writes one frame, made once, to
    every socket. Rates fall as sockets rise, so that one event is over before the next one is due.`,
  axis: { label: 'sockets', logarithmic: true },
  points: { smoke: [10, 40], whole: [100, 500, 1_000, 2_000, 5_000] },
  metrics: {
    single: { label: 'commitcast, one event', unit: 'µs' },
    wsSingle: { label: 'ws, one event', unit: 'µs' },
    burst: { label: 'commitcast, 16 at once', unit: 'µs' },
    wsBurst: { label: 'ws, 16 at once', unit: 'µs' },
  },
  charts: [
    {
      title: 'CPU of the server per delivery, one event at a time',
      unit: 'µs',
      lines: [
        { metric: 'single', label: 'commitcast', kind: 'ours' },
        { metric: 'wsSingle', label: 'ws', kind: 'floor' },
      ],
    },
    {
      title: 'CPU of the server per delivery, 16 events at once',
      unit: 'µs',
      lines: [
        { metric: 'burst', label: 'commitcast', kind: 'ours' },
        { metric: 'wsBurst', label: 'ws', kind: 'floor' },
      ],
    },
  ],
  open,
};

/** A server with clients, which stay for as long as a point needs no fewer. */
interface Side {
  subject: Subject;
  sink: Sink;
  connected: number;
}

async function open(bench: Bench): Promise<(count: number) => Promise<Measurement>> {
  const ours = await startSide(bench, commitcastSubject);
  const floor = await startSide(bench, wsSubject);
  const aloneOurs = await measureAlone(bench, ours);
  const aloneFloor = await measureAlone(bench, floor);
  return async (count) => {
    const seen = await measureSide(bench, ours, count);
    const base = await measureSide(bench, floor, count);
    const perDelivery = (kind: Kind, costs: Costs, alone: Costs) => {
      const { us, sent } = costs[kind];
      return (us - (alone[kind].us / alone[kind].sent) * sent) / (sent * (count - 1));
    };
    return {
      values: {
        single: perDelivery('single', seen, aloneOurs),
        wsSingle: perDelivery('single', base, aloneFloor),
        burst: perDelivery('burst', seen, aloneOurs),
        wsBurst: perDelivery('burst', base, aloneFloor),
      },
      ...total([lossOf(seen), lossOf(base)]),
      ...noteOf(count, seen.single),
    };
  };
}

async function startSide(bench: Bench, start: (bench: Bench) => Promise<Subject>): Promise<Side> {
  return { subject: await start(bench), sink: startSink(bench), connected: 0 };
}

/** What an event costs whoever listens: when all code is compiled, or it would be taken from the others. */
async function measureAlone(bench: Bench, side: Side): Promise<Costs> {
  const warm = smaller(bench, 10, 200);
  await measureSide(bench, side, warm);
  await measureSide(bench, side, warm);
  return measureSide(bench, side, 1);
}

type Costs = Record<Kind, Cost>;

async function measureSide(bench: Bench, side: Side, count: number): Promise<Costs> {
  const { subject, sink } = side;
  await connect(side, count);
  const idle = await idleCost(subject, smaller(bench, 50, 400));
  const cost = (kind: Kind) =>
    costOf({
      server: subject,
      sink,
      idle,
      send: () => subject.send({ ...beatOf(bench, kind, count), events: eventsAtOnce[kind], dataBytes }),
    });
  return { single: await cost('single'), burst: await cost('burst') };
}

async function connect(side: Side, count: number): Promise<void> {
  const { subject, sink } = side;
  if (count < side.connected) {
    await sink.disconnect();
    side.connected = 0;
  }
  const auth = { token: await signToken(), subscriptions: [{ deep: true }] };
  await sink.connect({ url: subject.url, kind: subject.kind, count: count - side.connected, auth });
  side.connected = count;
}

/** Some 40,000 deliveries a second, and no more than a client of a calm system sees. */
function beatOf(bench: Bench, kind: Kind, count: number): { perSecond: number; seconds: number } {
  if (bench.size === 'smoke') return { perSecond: 50, seconds: 0.1 };
  const perSecond =
    kind === 'single' ? Math.min(40, 40_000 / count) : Math.min(5, 80_000 / eventsAtOnce.burst / count);
  // What one socket costs is taken from all points: it is measured for longer.
  return { perSecond, seconds: count === 1 ? 4 : 1.6 };
}

function lossOf({ single, burst }: Costs): Completeness {
  return total([single.report, burst.report]);
}

/** What shares a message costs less: such a figure is not that of one event at a time. */
function noteOf(count: number, { report }: Cost): { note?: string } {
  const shared = 1 - report.messages / report.events;
  if (shared <= 0.02) return {};
  return { note: `${count} sockets: ${Math.round(shared * 100)} % of the single events shared a message` };
}
