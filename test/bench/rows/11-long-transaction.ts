import { sized, type Bench, type Measurement, type Row, type Variant } from '../harness/row.ts';
import { ms } from '../support/samples.ts';
import { noteOn, runWay } from './01-latency/measure-way.ts';
import { emmett, ours, pgBoss, skipLocked, type Way } from './01-latency/ways.ts';
import { readBloat, type Bloat, type Tables } from './11-long-transaction/bloat.ts';
import { holdOpen } from './11-long-transaction/hold-open.ts';

const intoOutbox = `insert into commitcast.outbox (org_id, type, data) values ('acme', 'bench.waited', :event)`;

const tables = {
  ours: {
    schema: 'commitcast',
    read: ['commitcast.log'],
    passing: ['commitcast.outbox', 'commitcast.committing'],
  },
  emmett: { schema: 'public', read: ['emt_messages'], passing: [] },
  outbox: { schema: 'public', read: ['outbox'], passing: ['outbox'] },
  pgBoss: { schema: 'pgboss', read: ['pgboss.job'], passing: [] },
} satisfies Record<string, Tables>;

async function measure(bench: Bench, way: Way, read: Tables, isHeld: boolean): Promise<Measurement> {
  const perSecond = sized(bench, { smoke: 100, short: 500, full: 500 });
  const seconds = sized(bench, { smoke: 1, short: 6, full: 180 });
  const warmUp = { perSecond, seconds: sized(bench, { smoke: 0.3, short: 1, full: 5 }) };
  const running = await runWay(bench, way, { clients: 1, warmUp });
  const letGo = isHeld
    ? await holdOpen(bench, running.databaseUrl, way.statement ?? intoOutbox)
    : () => Promise.resolve();
  const bloats: Bloat[] = [];
  const { written, received } = await running.send({ perSecond, seconds }, async () => {
    // Before it ends: afterwards the dead rows can be cleared away.
    bloats.push(await readBloat(running.databaseUrl, read));
    // What waits for the transaction comes when it is over, and has waited so long.
    await letGo();
  });
  await Promise.all([running.writer.stop(), running.server.stop()]);
  bloats.push(await readBloat(running.databaseUrl, read, { whenAlone: true }));
  const { latencyUs, missed, doubled, disordered } = received;
  const perEvent = (of: (bloat: Bloat) => number) =>
    Math.max(...bloats.map(of)) / (written.first + written.sent);
  return {
    values: {
      p99: ms(latencyUs.p99),
      p50: ms(latencyUs.p50),
      deadRead: perEvent(({ deadInRead }) => deadInRead),
      dead: perEvent(({ dead }) => dead),
      passing: perEvent(({ passing }) => passing),
    },
    missed,
    doubled,
    disordered,
    ...noteOn(received, written),
  };
}

function held(name: string, always: boolean, way: Way, read: Tables): Variant {
  return {
    name,
    kind: 'peer',
    always,
    measure: (bench) => measure(bench, way, read, true),
    ...(way.unavailable && { unavailable: way.unavailable }),
  };
}

const clean = 'commitcast, clean';
const long = 'commitcast, long transaction';

export const longTransaction: Row = {
  number: 11,
  title: 'A write transaction that stays open',
  method:
    '500 transactions a second with one event each, due at fixed times, to one client, while another transaction has ' +
    'written a row and an event and stays open all the while; it is rolled back at the end. The floor is the same without ' +
    'that transaction; the peers run with it. Dead rows and sizes are the larger of what is seen before that and when everybody has disconnected.',
  metrics: {
    p99: { label: 'latency, 99th percentile', unit: 'ms' },
    p50: { label: 'latency, median', unit: 'ms' },
    deadRead: { label: 'dead rows per event in what is read', unit: 'rows' },
    dead: { label: 'dead rows per event in all tables', unit: 'rows' },
    passing: { label: 'size of the tables that events pass through, per event', unit: 'B' },
  },
  variants: [
    {
      name: clean,
      kind: 'floor',
      always: true,
      measure: (bench) => measure(bench, ours, tables.ours, false),
    },
    { name: long, kind: 'ours', always: true, measure: (bench) => measure(bench, ours, tables.ours, true) },
    held('SKIP LOCKED + DELETE, long transaction', true, skipLocked, tables.outbox),
    held('emmett, long transaction', false, emmett(10), tables.emmett),
    held('pg-boss, long transaction', false, pgBoss, tables.pgBoss),
  ],
  goals: [
    { text: 'p99 ≤ 1.2 × clean', metric: 'p99', of: long, against: [clean], atMost: 1.2 },
    { text: 'dead rows per event in the log < 0.01', metric: 'deadRead', of: long, atMost: 0.01 },
  ],
};
