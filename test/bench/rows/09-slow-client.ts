import { sleep } from '../../../src/core/sleep.ts';
import { signToken } from '../../support/tokens.ts';
import { sized, type Bench, type Measurement, type Row } from '../harness/row.ts';
import { ms } from '../support/samples.ts';
import { startSink } from '../support/sink.ts';
import { commitcastSubject, socketIoSubject, wsSubject, type Subject } from '../support/subject.ts';

const mib = 2 ** 20;

interface Plan {
  others: number;
  /** Ten events each. */
  transactionsPerSecond: number;
  /** Of text in an event. All that comes while one has stopped is more than the kernel takes for it: some 4 MB on loopback. */
  dataBytes: number;
  /** All read, so that what memory the load itself needs is taken. */
  warmUpSeconds: number;
  /** Less than a server of Socket.IO waits for an answer to its ping, which a client that does not read cannot give. */
  seconds: number;
}

const plans: Record<Bench['size'], Plan> = {
  smoke: { others: 9, transactionsPerSecond: 50, dataBytes: 20_000, warmUpSeconds: 0.3, seconds: 1.5 },
  short: { others: 99, transactionsPerSecond: 100, dataBytes: 1_000, warmUpSeconds: 2, seconds: 6 },
  full: { others: 99, transactionsPerSecond: 100, dataBytes: 1_000, warmUpSeconds: 10, seconds: 15 },
};

export const slowClient: Row = {
  number: 9,
  title: 'One of 100 clients stops reading',
  method:
    '1,000 events of 1 kB a second, ten a transaction, open loop, to 100 clients; latency from the time at which a ' +
    'transaction was due, over 99 of them. After a while in which all read, one stops, and at the end it reads again: it has ' +
    'to get everything. Growth is the highest resident memory of the server since it stopped, over that before. Ours ' +
    'keeps 256 KiB at most for a client that does not read, and reads the log when it does. The peers make the events themselves.',
  metrics: {
    p99: { label: 'latency of the other 99, 99th percentile', unit: 'ms' },
    growth: { label: 'memory that the server took meanwhile', unit: 'MiB' },
  },
  variants: [
    {
      name: 'commitcast, one stops',
      kind: 'ours',
      always: true,
      measure: (bench) => measure(bench, commitcastSubject, true),
    },
    {
      name: 'commitcast, all read',
      kind: 'floor',
      always: true,
      measure: (bench) => measure(bench, commitcastSubject, false),
    },
    {
      name: 'Socket.IO, one stops',
      kind: 'peer',
      always: true,
      measure: (bench) => measure(bench, (its) => socketIoSubject(its, { tuned: false }), true),
    },
    {
      name: 'ws, one stops',
      kind: 'peer',
      always: false,
      measure: (bench) => measure(bench, wsSubject, true),
    },
  ],
  goals: [
    {
      text: 'p99 of the others ≤ 1.1 × when all read',
      metric: 'p99',
      of: 'commitcast, one stops',
      against: ['commitcast, all read'],
      atMost: 1.1,
    },
    {
      // What one client may have unread is bounded at 256 KiB; the rest is what the garbage collector leaves for later.
      text: 'the server grows by ≤ 1.2 × what it does when all read',
      metric: 'growth',
      of: 'commitcast, one stops',
      against: ['commitcast, all read'],
      atMost: 1.2,
    },
  ],
};

async function measure(
  bench: Bench,
  start: (bench: Bench) => Promise<Subject>,
  stops: boolean,
): Promise<Measurement> {
  const { others: count, transactionsPerSecond, dataBytes, warmUpSeconds, seconds } = sized(bench, plans);
  const subject = await start(bench);
  const { url, kind } = subject;
  const load = { perSecond: transactionsPerSecond, events: 10, dataBytes };
  const auth = { token: await signToken(), subscriptions: [{ deep: true }] };
  const others = startSink(bench);
  const one = startSink(bench);
  await others.connect({ url, kind, count, auth });
  await one.connect({ url, kind, count: 1, auth });
  const warm = await subject.send({ ...load, seconds: warmUpSeconds });
  await Promise.all([others.until(warm), one.until(warm)]);
  await Promise.all([others.reset(), one.reset()]);

  if (stops) await one.pause();
  bench.progress(stops ? 'one has stopped reading' : 'all read');
  const highest = watchMemory(bench, subject);
  const sent = await subject.send({ ...load, seconds });
  await others.until(sent);
  const growth = (await highest()) / mib;
  if (stops && kind === 'commitcast' && !(await hasSlowSession(url)))
    throw new Error('The client that does not read has not become slow: more has to be sent');
  if (stops) await one.resume();
  const resumed = performance.now();
  await one.until(sent);
  const recovery = performance.now() - resumed;

  const { latencyUs, ...seen } = await others.report(sent);
  const its = await one.report(sent);
  return {
    values: { p99: ms(latencyUs.p99), growth },
    missed: seen.missed + its.missed,
    doubled: seen.doubled + its.doubled,
    disordered: seen.disordered + its.disordered,
    ...(stops ? { note: `it had all ${sent} events ${recovery.toFixed(0)} ms after it read again` } : {}),
  };
}

/** Whether the server feeds a session from the log, because it takes nothing more. */
async function hasSlowSession(url: string): Promise<boolean> {
  const response = await fetch(`${url}/metrics`);
  return /^commitcast_session_state\{state="slow"\} 1$/m.test(await response.text());
}

/** Looks at the memory every 100 ms. What it returns ends that, and says by how much the highest was above the first. */
function watchMemory(bench: Bench, subject: Subject): () => Promise<number> {
  const ended = new AbortController();
  bench.releasers.add(() => {
    ended.abort();
  });
  const watching = (async () => {
    const first = await subject.memory();
    let high = first;
    while (!ended.signal.aborted) {
      await sleep(100, ended.signal);
      high = Math.max(high, await subject.memory());
    }
    return high - first;
  })();
  watching.catch(() => undefined);
  return () => {
    ended.abort();
    return watching;
  };
}
