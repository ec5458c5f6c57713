import type { Client } from 'pg';
import { migrate } from '../../../src/db/migrate.ts';
import type { Bench, Measurement, Row, Variant } from '../harness/row.ts';
import { sized } from '../harness/row.ts';
import { connectTo } from '../support/connect-to.ts';
import { median } from '../support/samples.ts';
import { awakeHeld, listening, relayReading, type Company } from './03-write-tax/company.ts';
import { findPgbench, runPgbench } from './03-write-tax/pgbench.ts';
import { checkTold, intoLogLike, intoOutbox, setUp, viaPublish, type Way } from './03-write-tax/ways.ts';

const clientCounts = [1, 8, 32];
const bulkEvents = 10_000;

interface WriteTax {
  way: Way;
  /** Who is there beside the writers. Default: nobody. */
  company?: Company;
}

export const writeTax: Row = {
  number: 3,
  title: 'What the outbox costs the business transaction',
  method: `pgbench, on the core of the load, runs transactions of one UPDATE of a random row of 1,000 and one event that
    tells the row's new value: with 1, 8 and 32 clients, prepared, in a database of each measurement's own. Then one
    transaction inserts ${bulkEvents.toLocaleString('en')} events. Afterwards the events are compared with the rows: each
    change once, those of a row in their order.`,
  metrics: {
    tps32: { label: 'transactions, 32 clients', unit: '/s' },
    tps8: { label: 'transactions, 8 clients', unit: '/s' },
    tps1: { label: 'transactions, 1 client', unit: '/s' },
    bulk: { label: 'one transaction of 10,000 events', unit: 'ms' },
  },
  variants: [
    variant('plain', 'floor', true, { way: intoLogLike('plain') }),
    variant('outbox', 'ours', true, { way: intoOutbox, company: awakeHeld }),
    variant('outbox, relay reading', 'ours', true, { way: intoOutbox, company: relayReading }),
    variant('NOTIFY per row', 'peer', true, { way: intoLogLike('notified'), company: listening }),
    variant('lock per shard + NOTIFY', 'peer', false, { way: viaPublish, company: listening }),
  ],
  goals: [
    { text: '32 clients: ≥ 0.90 × plain', metric: 'tps32', of: 'outbox', against: ['plain'], atLeast: 0.9 },
    {
      text: '32 clients: ≥ 1.8 × NOTIFY per row',
      metric: 'tps32',
      of: 'outbox',
      against: ['NOTIFY per row'],
      atLeast: 1.8,
    },
    { text: '8 clients: ≥ 0.90 × plain', metric: 'tps8', of: 'outbox', against: ['plain'], atLeast: 0.9 },
    { text: '1 client: ≥ 0.90 × plain', metric: 'tps1', of: 'outbox', against: ['plain'], atLeast: 0.9 },
    { text: '10,000 events: ≤ 3 × plain', metric: 'bulk', of: 'outbox', against: ['plain'], atMost: 3 },
  ],
};

function variant(name: string, kind: Variant['kind'], always: boolean, tax: WriteTax): Variant {
  return {
    name,
    kind,
    always,
    unavailable: async () =>
      (await findPgbench()) === undefined
        ? 'pgbench is missing: apt-get install postgresql-contrib'
        : undefined,
    measure: (bench) => measure(bench, tax),
  };
}

async function measure(bench: Bench, { way, company }: WriteTax): Promise<Measurement> {
  const databaseUrl = await bench.database('write_tax');
  await migrate({ connectionString: databaseUrl });
  const db = await connectTo(bench, databaseUrl);
  await db.query(setUp);
  await db.query('vacuum analyze hot');
  const present = await company?.(bench, databaseUrl);

  const values: Record<string, number> = {};
  let transactions = 0;
  for (const clients of clientCounts) {
    await tidy(db);
    const { tps, processed } = await runPgbench(bench, {
      databaseUrl,
      clients,
      script: way.script,
      length: sized(bench, {
        smoke: { transactions: Math.ceil(400 / clients) },
        short: { seconds: 3 },
        full: { seconds: 20 },
      }),
    });
    values[`tps${clients}`] = tps;
    transactions += processed;
  }
  const bulks = sized(bench, { smoke: 1, short: 3, full: 7 });
  const durations: number[] = [];
  for (let time = 0; time < bulks; time += 1) {
    await tidy(db);
    durations.push(await timeBulk(db, way));
  }
  values['bulk'] = median(durations);

  const { dead, ...told } = await checkTold(db, way, transactions + bulks * bulkEvents);
  await present?.hasSeenAll?.();
  return { values, ...told, ...(dead > 0 && { note: `${dead} positions are dead` }) };
}

/** What the measurement before has left to do is done before the next one, and not during it. */
async function tidy(db: Client): Promise<void> {
  await db.query('select commitcast.clear_outbox()');
  await db.query('checkpoint');
}

/** Milliseconds until the commit of one transaction of many events, which are changes of row 0. */
async function timeBulk(db: Client, { bulk }: Way): Promise<number> {
  const began = performance.now();
  await db.query('begin');
  const { rows } = await db.query<{ before: string }>(
    'update hot set n = n + $1 where id = 0 returning n - $1 as before',
    [bulkEvents],
  );
  const before = Number(rows[0]?.before);
  await db.query(bulk, [before + 1, before + bulkEvents]);
  await db.query('commit');
  return performance.now() - began;
}
