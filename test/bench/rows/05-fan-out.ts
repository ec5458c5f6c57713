import { sleep } from '../../../src/core/sleep.ts';
import { signToken } from '../../support/tokens.ts';
import { nchanMissing, nchanSubject } from '../floors/nchan.ts';
import type { Pulse } from '../floors/pulse.ts';
import { sized, type Bench, type Measurement, type Row } from '../harness/row.ts';
import { startSink, type Sink, type SinkReport } from '../support/sink.ts';
import { commitcastSubject, socketIoSubject, wsSubject, type Subject } from '../support/subject.ts';

type Beat = Omit<Pulse, 'dataBytes'>;

interface Plan {
  /** Over which the CPU time of doing nothing is taken. */
  idleSeconds: number;
  /** With one socket: what an event costs whoever listens. */
  alone: Record<Kind, Beat>;
  steps: { sockets: number; label: '1k' | '5k'; beats: Record<Kind, Beat> }[];
}

const kinds = ['single', 'burst'] as const;
type Kind = (typeof kinds)[number];

const single = (perSecond: number, seconds: number): Beat => ({ perSecond, seconds, events: 1 });
const burst = (perSecond: number, seconds: number): Beat => ({ perSecond, seconds, events: 16 });

/** Rates leave the server idle for most of the time, so that one event is over before the next one is due. */
const plans: Record<Bench['size'], Plan> = {
  smoke: {
    idleSeconds: 0.1,
    alone: { single: single(50, 0.1), burst: burst(20, 0.1) },
    steps: [
      { sockets: 25, label: '1k', beats: { single: single(50, 0.2), burst: burst(20, 0.2) } },
      { sockets: 50, label: '5k', beats: { single: single(50, 0.2), burst: burst(20, 0.2) } },
    ],
  },
  short: {
    idleSeconds: 0.5,
    alone: { single: single(40, 1), burst: burst(10, 1) },
    steps: [
      { sockets: 1_000, label: '1k', beats: { single: single(40, 1.5), burst: burst(5, 1.6) } },
      { sockets: 5_000, label: '5k', beats: { single: single(10, 1.6), burst: burst(1.25, 1.6) } },
    ],
  },
  full: {
    idleSeconds: 5,
    alone: { single: single(40, 5), burst: burst(10, 5) },
    steps: [
      { sockets: 1_000, label: '1k', beats: { single: single(40, 10), burst: burst(5, 10) } },
      { sockets: 5_000, label: '5k', beats: { single: single(8, 10), burst: burst(1, 10) } },
    ],
  },
};

const dataBytes = 100;

export const fanOut: Row = {
  number: 5,
  title: 'Fan-out: CPU of the server for each delivery',
  method:
    'Every socket sees every event. One event at a time, then 16 at once (for ours, one transaction over 16 units), ' +
    'to 1,000 and to 5,000 sockets. CPU time of the server’s process, without that of the same time idle and without ' +
    'that of the same events with a single socket, divided by deliveries. Ours reads the events from Postgres; the ' +
    'others make them themselves. `ws` writes one frame, made once, to every socket.',
  metrics: {
    single5k: { label: 'one event, 5,000 sockets', unit: 'µs' },
    burst5k: { label: '16 at once, 5,000 sockets', unit: 'µs' },
    single1k: { label: 'one event, 1,000 sockets', unit: 'µs' },
    burst1k: { label: '16 at once, 1,000 sockets', unit: 'µs' },
  },
  variants: [
    { name: 'commitcast', kind: 'ours', always: true, measure: (bench) => measure(bench, commitcastSubject) },
    { name: 'ws', kind: 'floor', always: true, measure: (bench) => measure(bench, wsSubject) },
    {
      name: 'Socket.IO emit',
      kind: 'peer',
      always: true,
      measure: (bench) => measure(bench, (its) => socketIoSubject(its, { tuned: false })),
    },
    {
      name: 'Nchan',
      kind: 'peer',
      always: false,
      unavailable: nchanMissing,
      measure: (bench) => measure(bench, nchanSubject),
    },
  ],
  goals: (['1k', '5k'] as const).flatMap((label) => [
    {
      text: `one event, ${label} sockets: ≤ 1.15 × ws`,
      metric: `single${label}`,
      of: 'commitcast',
      against: ['ws'],
      atMost: 1.15,
    },
    {
      text: `16 at once, ${label} sockets: ≤ 0.35 × Socket.IO emit`,
      metric: `burst${label}`,
      of: 'commitcast',
      against: ['Socket.IO emit'],
      atMost: 0.35,
    },
  ]),
};

async function measure(bench: Bench, start: (bench: Bench) => Promise<Subject>): Promise<Measurement> {
  const plan = sized(bench, plans);
  const subject = await start(bench);
  const sink = startSink(bench);
  const auth = { token: await signToken(), subscriptions: [{ deep: true }] };
  const connect = (count: number) => sink.connect({ url: subject.url, kind: subject.kind, count, auth });

  const seen: { kind: Kind; label: string; sockets: number; cost: Cost }[] = [];
  let connected = 0;
  for (const { sockets, label, beats } of plan.steps) {
    bench.progress(`${sockets} sockets`);
    await connect(sockets - connected);
    connected = sockets;
    for (const [kind, cost] of await costs(subject, sink, plan, beats))
      seen.push({ kind, label, sockets, cost });
  }
  // Last, when all code is compiled: what it costs too much here would be taken from the others.
  await sink.disconnect();
  await connect(1);
  const alone = new Map(await costs(subject, sink, plan, plan.alone));

  const values: Record<string, number> = {};
  const wrong = { missed: 0, doubled: 0, disordered: 0 };
  let shared = 0;
  for (const { kind, label, sockets, cost } of seen) {
    const { us: aloneUs = NaN, sent: aloneSent = NaN } = alone.get(kind) ?? {};
    const { us, sent, report } = cost;
    values[kind + label] = (us - (aloneUs / aloneSent) * sent) / (sent * (sockets - 1));
    wrong.missed += report.missed;
    wrong.doubled += report.doubled;
    wrong.disordered += report.disordered;
    if (kind === 'single') shared = Math.max(shared, 1 - report.messages / report.events);
  }
  const note = `single: ${Math.round(shared * 100)} % of the events shared a message with the one before`;
  return { values, ...wrong, ...(shared > 0.02 ? { note } : {}) };
}

interface Cost {
  /** CPU time beyond that of doing nothing. */
  us: number;
  sent: number;
  report: SinkReport;
}

async function costs(
  subject: Subject,
  sink: Sink,
  { idleSeconds }: Plan,
  beats: Record<Kind, Beat>,
): Promise<[Kind, Cost][]> {
  await deliver(subject, sink, { ...beats.burst, seconds: 1 / beats.burst.perSecond });
  const began = performance.now();
  const before = await subject.cpuUs();
  await sleep(idleSeconds * 1_000);
  const idleUsPerMs = ((await subject.cpuUs()) - before) / (performance.now() - began);
  const all: [Kind, Cost][] = [];
  for (const kind of kinds) {
    const { us, ms, sent, report } = await deliver(subject, sink, beats[kind]);
    all.push([kind, { us: us - idleUsPerMs * ms, sent, report }]);
  }
  return all;
}

/** From before the first event is sent until the last socket has the last one. */
async function deliver(subject: Subject, sink: Sink, beat: Beat) {
  await sink.reset();
  const began = performance.now();
  const before = await subject.cpuUs();
  const sent = await subject.send({ ...beat, dataBytes });
  await sink.until(sent);
  const us = (await subject.cpuUs()) - before;
  return { us, sent, ms: performance.now() - began, report: await sink.report(sent) };
}
