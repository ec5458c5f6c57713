/*
 * How fast a durable consumer goes through a long log, against the bare cursor loop: `select … where position > $1 order
 * by position limit 1000` of all that an event has, on one connection, which counts what it reads. Rounds of both kinds alternate (A B B A …) on
 * one server, in one run; the consumer's handler counts, too, and writes its count in the transaction of the checkpoint.
 *
 * Usage: npm run bench:rebuild -- [--events 1000000] [--rounds 4] [--batch 500,2000,5000]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { silentLogger } from '../../src/core/logger.ts';
import { Releasers } from '../../src/core/service.ts';
import { migrate } from '../../src/db/migrate.ts';
import { startEmbeddedPostgres } from '../../src/embedded/embedded-postgres.ts';
import { consume } from '../../src/http/worker.ts';
import { until } from '../support/until.ts';

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '4' },
    batch: { type: 'string', default: '500,2000,5000' },
  },
});
const events = Number(values.events);
const batches = values.batch.split(',').map(Number);
const perTransaction = 10_000;

const releasers = new Releasers();
try {
  await main();
} finally {
  await releasers.release();
}

async function main(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'commitcast-bench-'));
  releasers.add(() => rm(directory, { recursive: true, force: true }));
  const postgres = await startEmbeddedPostgres({ directory, logger: silentLogger });
  releasers.add(() => postgres.stop());
  await migrate({ connectionString: postgres.url });
  const db = new Client({ connectionString: postgres.url });
  await db.connect();
  releasers.add(() => db.end());
  await fill(db);

  const rates = new Map<string, number[]>();
  const note = (name: string, rate: number) => rates.set(name, [...(rates.get(name) ?? []), rate]);
  for (let round = 0; round < Number(values.rounds); round++) {
    const steps = [
      async () => {
        note('bare loop', await bareLoop(db));
      },
      ...batches.map((batch) => async () => {
        note(`consumer, batch ${batch}`, await consumeAll(postgres.url, db, batch, round));
      }),
    ];
    for (const step of round % 2 === 0 ? steps : steps.reverse()) await step();
  }
  report(rates);
}

async function fill(db: Client): Promise<void> {
  for (let done = 0; done < events; done += perTransaction) {
    await db.query(
      `insert into commitcast.outbox (org_id, unit_id, type, data)
       select 'org-' || n % 50, 'unit-' || n % 1000, 'reading', jsonb_build_object('celsius', n % 40, 'door', 'closed')
       from generate_series($1::int, $2::int) n`,
      [done + 1, Math.min(done + perTransaction, events)],
    );
    if (done % 100_000 === 0) progress('filling the log', done);
  }
  await db.query('vacuum analyze commitcast.log');
}

async function bareLoop(db: Client): Promise<number> {
  const began = performance.now();
  let position = '0';
  let count = 0;
  for (;;) {
    const { rows } = await db.query<{ position: string }>(
      `select position, id, org_id, site_id, unit_id, type, data, stream, version, meta, created_at from commitcast.log
       where position > $1 order by position limit 1000`,
      [position],
    );
    if (rows.length === 0) break;
    count += rows.length;
    position = rows.at(-1)?.position ?? position;
  }
  if (count !== events) throw new Error(`the bare loop read ${count} events of ${events}`);
  return rateSince(began);
}

async function consumeAll(url: string, db: Client, batch: number, round: number): Promise<number> {
  const name = `bench-${batch}-${round}`;
  await db.query('create table if not exists counted (name text primary key, count bigint not null)');
  await db.query('insert into counted values ($1, 0)', [name]);
  const began = performance.now();
  let count = 0;
  const consumer = await consume({ databaseUrl: url, name, batch }, async (tx, page) => {
    await tx.query('update counted set count = count + $2 where name = $1', [name, page.length]);
    count += page.length;
    if (count % 100_000 < page.length) progress(name, count);
  });
  await until(() => count === events, { timeoutMs: 600_000 });
  const rate = rateSince(began);
  await consumer.stop();
  const { rows } = await db.query<{ count: string }>('select count from counted where name = $1', [name]);
  if (Number(rows[0]?.count) !== events)
    throw new Error(`${name} has counted ${rows[0]?.count} of ${events}`);
  return rate;
}

function rateSince(began: number): number {
  return events / ((performance.now() - began) / 1_000);
}

function progress(what: string, done: number): void {
  process.stderr.write(`\r${what}: ${done.toLocaleString('en')} of ${events.toLocaleString('en')}      `);
}

function report(rates: ReadonlyMap<string, readonly number[]>): void {
  const bare = rates.get('bare loop') ?? [];
  process.stdout.write('\n');
  for (const [name, all] of rates) {
    const ratios = all.map((rate, round) => rate / (bare[round] ?? NaN)).sort((a, b) => a - b);
    const shown = `${median(ratios).toFixed(2)} (${ratios[0]?.toFixed(2)}–${ratios.at(-1)?.toFixed(2)})`;
    process.stdout.write(`${name.padEnd(24)} ${Math.round(median(all)).toLocaleString('en')}/s  ${shown}\n`);
  }
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
