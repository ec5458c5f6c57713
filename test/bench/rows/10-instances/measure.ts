import type { Client } from 'pg';
import { sized, type Bench, type Measurement } from '../../harness/row.ts';
import type { Statements } from '../../support/count-statements.ts';
import { ms } from '../../support/samples.ts';
import { startSubscribers, type Received } from '../../support/subscribers.ts';
import { total, type Completeness } from '../../support/wire.ts';
import type { Generator, PublishLoad } from './publisher.ts';

/** Instances that are ready, with something that makes events for them. */
export interface Subject {
  kind: 'commitcast' | 'socket.io';
  /** Of the instance that the client is on. */
  url: string;
  generator: Generator;
  /** Of all instances, for the transactions that they need. */
  counted: readonly { statements(): Promise<Statements> }[];
  /** Where a database is used. */
  db?: Client;
}

const limitMs = 100;
const perTransaction = 10;

/** One client; 200 events a second for the latency, then 1,000 for what they cost, then more until they come late. */
export async function measureSubject(bench: Bench, subject: Subject): Promise<Measurement> {
  const { kind, url, generator, counted, db } = subject;
  const client = await startSubscribers(bench, { url, clients: 1, units: 1, kind });
  await client.connect();
  const all: Completeness[] = [];
  const run = async (load: PublishLoad): Promise<Received & { sent: number }> => {
    await client.reset();
    const { sent } = await generator.run(load);
    return { ...(await client.result(sent)), sent };
  };
  await run({ perSecond: 200, seconds: sized(bench, { smoke: 0.2, short: 0.5, full: 2 }) });

  bench.progress('200 events a second');
  const steady = await run({ perSecond: 200, seconds: sized(bench, { smoke: 0.5, short: 2, full: 15 }) });
  all.push(steady);

  bench.progress('1,000 events a second');
  for (const each of counted) await each.statements();
  const walBefore = await walOf(db);
  const busy = await run({ perSecond: 1_000, seconds: sized(bench, { smoke: 0.3, short: 1.5, full: 10 }) });
  all.push(busy);
  const wal = (await walOf(db)) - walBefore;
  const each = await Promise.all(counted.map((instance) => instance.statements()));
  const perEvent = each.map(({ transactions }) => transactions / busy.sent);

  let rate = 0;
  for (const step of sized(bench, {
    smoke: [500],
    short: [500, 1_000, 2_000, 4_000, 8_000, 16_000],
    full: [500, 700, 1_000, 1_400, 2_000, 2_800, 4_000, 5_600, 8_000, 11_000, 16_000, 22_000, 32_000],
  })) {
    bench.progress(`${step} events a second, ${perTransaction} a transaction`);
    const seconds = sized(bench, { smoke: 0.3, short: 1, full: 4 });
    const load = { perSecond: step / perTransaction, seconds, eventsPerTransaction: perTransaction };
    const result = await run(load);
    // What a stock server loses at the step that is too much for it is no fault of those before.
    if (kind === 'commitcast') all.push(result);
    if (ms(result.latencyUs.p99) > limitMs || result.missed > 0) break;
    rate = step;
  }
  return {
    values: {
      p50: ms(steady.latencyUs.p50),
      p99: ms(steady.latencyUs.p99),
      rate,
      ...(db && { commits: perEvent.reduce((sum, one) => sum + one, 0), wal: wal / busy.sent }),
    },
    ...total(all),
    ...(db && {
      note: `transactions per event, by instance: ${perEvent.map((one) => one.toFixed(3)).join(', ')}`,
    }),
  };
}

/** Bytes of WAL that the cluster has written so far. */
async function walOf(db: Client | undefined): Promise<number> {
  const answer = await db?.query<{ bytes: string }>(`select pg_current_wal_lsn() - '0/0' as bytes`);
  return Number(answer?.rows[0]?.bytes);
}
