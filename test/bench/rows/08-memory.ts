import { signToken } from '../../support/tokens.ts';
import { nchanMissing, nchanSubject } from '../floors/nchan.ts';
import { sized, type Bench, type Measurement, type Row } from '../harness/row.ts';
import { startSink } from '../support/sink.ts';
import { commitcastSubject, socketIoSubject, wsSubject, type Subject } from '../support/subject.ts';

/** Connected before memory is read for the first time, so that code and caches are there. */
const warmUp = 50;

/** Clients of as many users, in the room of their org and that of one of so many units. */
const units = 100;

export const memory: Row = {
  number: 8,
  title: 'Memory for each idle socket',
  method:
    'So many sockets connect and do nothing; the growth of the server’s process from 50 sockets on, after collections, ' +
    'divided by their number. Every socket is in two rooms, of its org and of a unit, and comes with the token of a ' +
    'user of its own, which only Commitcast verifies. Tuned: the request of the handshake is let go of, nothing else is ' +
    'served. `ws` knows neither rooms nor tokens.',
  metrics: {
    rss: { label: 'resident memory for each socket', unit: 'KiB' },
    heap: { label: 'JavaScript heap for each socket', unit: 'KiB' },
  },
  variants: [
    { name: 'commitcast', kind: 'ours', always: true, measure: (bench) => measure(bench, commitcastSubject) },
    { name: 'ws', kind: 'floor', always: true, measure: (bench) => measure(bench, wsSubject) },
    {
      name: 'tuned Socket.IO',
      kind: 'floor',
      always: true,
      measure: (bench) => measure(bench, (its) => socketIoSubject(its, { tuned: true })),
    },
    {
      name: 'Socket.IO',
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
  goals: [
    {
      text: 'resident memory ≤ 1.05 × tuned Socket.IO',
      metric: 'rss',
      of: 'commitcast',
      against: ['tuned Socket.IO'],
      atMost: 1.05,
    },
    {
      text: 'resident memory ≤ 0.8 × Socket.IO',
      metric: 'rss',
      of: 'commitcast',
      against: ['Socket.IO'],
      atMost: 0.8,
    },
  ],
};

async function measure(bench: Bench, start: (bench: Bench) => Promise<Subject>): Promise<Measurement> {
  const sockets = sized(bench, { smoke: 200, short: 4_000, full: 10_000 });
  const subject = await start(bench);
  const { url, kind } = subject;
  const sink = startSink(bench);
  const auths = await Promise.all(Array.from({ length: sockets + warmUp }, (_, n) => authOf(n)));

  await sink.connect({ url, kind, count: warmUp, auth: auths.slice(0, warmUp) });
  const before = await settled(subject);
  bench.progress(`${sockets} sockets`);
  // Not all at once, or what is measured is the garbage of a storm.
  await sink.connect({ url, kind, count: sockets, auth: auths.slice(warmUp), atOnce: 50 });
  const after = await settled(subject);
  const { clients, failed } = await sink.report();
  if (clients - failed !== sockets + warmUp) throw new Error(`${failed} of ${clients} sockets have ended`);

  const kib = (name: 'rss' | 'heap') => (after[name] - before[name]) / sockets / 1_024;
  const heap = Number.isNaN(after.heap) ? {} : { heap: kib('heap') };
  return { values: { rss: kib('rss'), ...heap }, missed: 0, doubled: 0, disordered: 0 };
}

async function authOf(n: number): Promise<object> {
  const unit = `u${n % units}`;
  // `unit` is what the bare server of Socket.IO goes by.
  return { token: await signToken({ sub: `user-${n}` }), unit, subscriptions: [{ unit }] };
}

/** When a further collection finds nothing more: some of what is garbage is let go of only by callbacks of the first. */
async function settled(subject: Subject): Promise<{ rss: number; heap: number }> {
  let heap = await subject.heap();
  for (let before = Infinity; heap < before * 0.998;) {
    before = heap;
    heap = await subject.heap();
  }
  return { heap, rss: await subject.memory() };
}
