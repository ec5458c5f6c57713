/*
 * What the outbox costs the business transaction: pgbench runs one UPDATE of a row and one event per transaction, as
 *   plain         an INSERT into a table with the same columns and indexes as the log
 *   outbox        an INSERT into commitcast.outbox, while a relay is awake (its lock is held, nothing reads)
 *   outbox+relay  the same, with a real relay that reads along on the same machine
 *   notify        the plain INSERT with a trigger that calls pg_notify for each row, and somebody who listens
 * Rounds are interleaved and mirrored, because machines drift; a ratio is taken within a round, the median is shown.
 *
 * Usage: npm run bench:write-tax -- [--seconds 6] [--rounds 3] [--clients 1,8,32]
 * It runs on a fresh embedded Postgres, or in a new database of TEST_DATABASE_URL; pgbench is in Debian's postgresql.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { Client } from 'pg';
import { Releasers } from '../../src/core/service.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { lockClass, locks } from '../../src/db/advisory-lock.ts';
import { migrate } from '../../src/db/migrate.ts';
import { startEmbeddedPostgres } from '../../src/embedded/embedded-postgres.ts';
import { Relay } from '../../src/relay/relay.ts';

const run = promisify(execFile);

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '6' },
    rounds: { type: 'string', default: '3' },
    clients: { type: 'string', default: '1,8,32' },
  },
});

const variants = ['plain', 'outbox', 'outbox+relay', 'notify'] as const;
type Variant = (typeof variants)[number];

const pgbench = ['/usr/bin', ...[18, 17, 16, 15].map((version) => `/usr/lib/postgresql/${version}/bin`)]
  .map((folder) => join(folder, 'pgbench'))
  .find(existsSync);

const setUp = `
  create table hot (id int primary key, n bigint not null default 0) with (fillfactor = 50);
  insert into hot select generate_series(1, 1000);
  create sequence plain_position;
  create table plain (like commitcast.log including all);
  alter table plain alter position set default nextval('plain_position');
  create table notified (like plain including all);
  create function notify_each() returns trigger language plpgsql as
    $$ begin perform pg_notify('bench', new.position::text); return null; end $$;
  create trigger notify_each after insert on notified for each row execute function notify_each();`;

const event = `'acme', 's1', 'u' || :row, 'reading.recorded', '{"celsius": 4.5, "humidity": 81, "door": "shut"}'`;
const intoCopyOfLog = (table: string) => `insert into ${table}
  (org_id, site_id, unit_id, type, data, id, created_at, committed_at, timeline, log_oid, control)
  values (${event}, gen_random_uuid(), clock_timestamp(), clock_timestamp(), 1, 1, false);`;
const intoOutbox = `insert into commitcast.outbox (org_id, site_id, unit_id, type, data) values (${event});`;

const inserts: Record<Variant, string> = {
  plain: intoCopyOfLog('plain'),
  outbox: intoOutbox,
  'outbox+relay': intoOutbox,
  notify: intoCopyOfLog('notified'),
};

const releasers = new Releasers();
try {
  await main();
} finally {
  await releasers.release();
}

async function main(): Promise<void> {
  if (!pgbench) throw new Error('pgbench is missing: apt-get install postgresql-contrib');
  const folder = await mkdtemp(join(tmpdir(), 'commitcast-bench-'));
  releasers.add(() => rm(folder, { recursive: true, force: true }));
  const url = await database(folder);
  await migrate({ connectionString: url });
  const db = new Client(url);
  await db.connect();
  releasers.add(() => db.end());
  await db.query(setUp);
  for (const variant of variants)
    await writeFile(join(folder, `${variant}.sql`), transactionOf(inserts[variant]));
  const { rows } = await db.query<{ version: string }>(`select current_setting('server_version') as version`);
  console.log(
    `Postgres ${rows[0]?.version}, ${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}\n`,
  );
  console.log(
    '| clients | variant | transactions/s | of plain: median | min | max |\n| --- | --- | --- | --- | --- | --- |',
  );
  for (const clients of options.clients.split(',')) await compare(url, folder, clients);
}

async function compare(url: string, folder: string, clients: string): Promise<void> {
  const rates: Record<Variant, number[]> = { plain: [], outbox: [], 'outbox+relay': [], notify: [] };
  const ratios: Record<Variant, number[]> = { plain: [], outbox: [], 'outbox+relay': [], notify: [] };
  for (let round = 0; round < Number(options.rounds); round++) {
    const order = round % 2 === 0 ? [...variants] : variants.toReversed();
    const measured: Partial<Record<Variant, number>> = {};
    for (const variant of order) measured[variant] = await measure(variant, url, folder, clients);
    for (const variant of variants) {
      rates[variant].push(measured[variant] ?? NaN);
      ratios[variant].push((measured[variant] ?? NaN) / (measured.plain ?? NaN));
    }
    process.stderr.write(`${clients} clients: round ${round + 1} of ${options.rounds} done\n`);
  }
  for (const variant of variants) {
    const [ratio, low, high] = [
      median(ratios[variant]),
      Math.min(...ratios[variant]),
      Math.max(...ratios[variant]),
    ];
    const shown = [ratio, low, high].map((value) => value.toFixed(2)).join(' | ');
    console.log(`| ${clients} | ${variant} | ${median(rates[variant]).toFixed(0)} | ${shown} |`);
  }
}

/** Transactions a second. */
async function measure(variant: Variant, url: string, folder: string, clients: string): Promise<number> {
  const stop = await accompany(variant, url);
  const { stdout } = await run(pgbench ?? '', [
    '--no-vacuum',
    '--protocol=prepared',
    `--client=${clients}`,
    '--jobs=1',
    `--time=${options.seconds}`,
    `--file=${join(folder, `${variant}.sql`)}`,
    url,
  ]);
  await stop();
  return Number(/tps = ([\d.]+)/.exec(stdout)?.[1]);
}

/** Who is there beside the writers. */
async function accompany(variant: Variant, url: string): Promise<() => Promise<unknown>> {
  if (variant === 'outbox+relay') {
    const relay = new Relay({
      connectionString: url,
      instanceId: 'bench',
      onDoorbell: () => undefined,
      logger: silentLogger,
    });
    await relay.start();
    return () => relay.stop();
  }
  const client = new Client(url);
  await client.connect();
  if (variant === 'outbox') await client.query('select pg_advisory_lock($1, $2)', [lockClass, locks.awake]);
  if (variant === 'notify') await client.query('listen bench');
  return () => client.end();
}

async function database(folder: string): Promise<string> {
  const given = process.env['TEST_DATABASE_URL'];
  if (given === undefined) {
    const server = await startEmbeddedPostgres({ directory: folder });
    releasers.add(() => server.stop());
    return server.url;
  }
  const name = `commitcast_bench_${process.pid}`;
  const admin = new Client(given);
  await admin.connect();
  await admin.query(`create database ${name}`);
  releasers.add(async () => {
    await admin.query(`drop database ${name} with (force)`);
    await admin.end();
  });
  return Object.assign(new URL(given), { pathname: `/${name}` }).href;
}

function transactionOf(insert: string): string {
  return `\\set row random(1, 1000)\nbegin;\nupdate hot set n = n + 1 where id = :row;\n${insert.replaceAll('\n', ' ')}\ncommit;\n`;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
