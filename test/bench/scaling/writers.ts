import type { Client } from 'pg';
import { migrate } from '../../../src/db/migrate.ts';
import type { Bench, Measurement } from '../harness/row.ts';
import { awakeHeld } from '../rows/03-write-tax/company.ts';
import { findPgbench, runPgbench } from '../rows/03-write-tax/pgbench.ts';
import { checkTold, intoLogLike, intoOutbox, setUp, type Way } from '../rows/03-write-tax/ways.ts';
import { connectTo } from '../support/connect-to.ts';
import { total } from '../support/wire.ts';
import { smaller, type Sweep } from './sweep.ts';

export const writers: Sweep = {
  name: 'writers',
  title: 'Writers',
  method: `The transactions of row 3: pgbench runs one UPDATE of a random row of 1,000 and one event, prepared, once with a plain
    INSERT into a table with the columns and indexes of the log, once with an INSERT into the outbox while a relay is awake.
    Each way has a database of its own for the whole sweep; which of the two goes first at a point alternates. After each point the
    events are compared with the rows: each change once, those of a row in their order.`,
  axis: { label: 'pgbench clients', logarithmic: true },
  points: { smoke: [1, 4], whole: [1, 2, 4, 8, 16, 32, 64] },
  metrics: {
    plain: { label: 'plain insert', unit: '/s' },
    outbox: { label: 'outbox', unit: '/s' },
    ratio: { label: 'outbox / plain', unit: '' },
  },
  charts: [
    {
      title: 'Transactions a second',
      unit: '/s',
      lines: [
        { metric: 'outbox', label: 'outbox', kind: 'ours' },
        { metric: 'plain', label: 'plain insert', kind: 'floor' },
      ],
    },
    {
      title: 'Outbox, as a share of the plain insert',
      unit: '',
      lines: [{ metric: 'ratio', label: 'outbox / plain', kind: 'ours' }],
    },
  ],
  open,
};

/** A database in which one way of saying events is used. */
interface Place {
  way: Way;
  databaseUrl: string;
  db: Client;
  transactions: number;
}

async function open(bench: Bench): Promise<(clients: number) => Promise<Measurement>> {
  if ((await findPgbench()) === undefined)
    throw new Error('pgbench is missing: apt-get install postgresql-contrib');
  const plain = await prepare(bench, intoLogLike('plain'));
  const outbox = await prepare(bench, intoOutbox);
  await awakeHeld(bench, outbox.databaseUrl);
  let turn = 0;
  return async (clients) => {
    const rates = new Map<Place, number>();
    for (const place of turn % 2 === 0 ? [plain, outbox] : [outbox, plain])
      rates.set(place, await run(bench, place, clients));
    turn += 1;
    const [base = NaN, ours = NaN] = [rates.get(plain), rates.get(outbox)];
    const told = await checkTold(outbox.db, outbox.way, outbox.transactions);
    return {
      values: { plain: base, outbox: ours, ratio: ours / base },
      ...total([told, await checkTold(plain.db, plain.way, plain.transactions)]),
      ...(told.dead > 0 && { note: `${told.dead} positions are dead` }),
    };
  };
}

async function prepare(bench: Bench, way: Way): Promise<Place> {
  const databaseUrl = await bench.database('writers');
  await migrate({ connectionString: databaseUrl });
  const db = await connectTo(bench, databaseUrl);
  await db.query(setUp);
  await db.query('vacuum analyze hot');
  return { way, databaseUrl, db, transactions: 0 };
}

/** Transactions a second. What was left to do before is done first, and not meanwhile. */
async function run(bench: Bench, place: Place, clients: number): Promise<number> {
  const { databaseUrl, db, way } = place;
  await db.query('select commitcast.clear_outbox()');
  await db.query('checkpoint');
  const { tps, processed } = await runPgbench(bench, {
    databaseUrl,
    clients,
    script: way.script,
    // In pgbench's seconds all clients connect, too, which takes its time with many.
    length: smaller(
      bench,
      { transactions: Math.ceil(200 / clients) },
      { seconds: 2 + Math.floor(clients / 32) },
    ),
  });
  place.transactions += processed;
  return tps;
}
