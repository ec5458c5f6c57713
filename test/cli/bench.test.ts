import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { administer, urlOfDatabase } from '../support/administer.ts';
import { makeFolder, runCli, startCli, type CliProcess } from '../support/cli.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startPgBouncer } from '../support/pgbouncer.ts';
import { startPrivateServer } from '../support/private-server.ts';
import { describeWithTool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import type { BenchReport } from '../../src/cli/bench/measure.ts';

const cwd = '/';
/** Of a point: long enough for some transactions of each kind. */
const brief = ['--seconds', '0.2'];
const limit = { timeout: 120_000 };

/** What belongs to the role of this address, the benchmark's database above all. */
async function databasesOf(database: TestDatabase, url: string): Promise<string[]> {
  const { rows } = await database.pool.query<{ name: string }>(
    'select datname as name from pg_database where datdba = $1::text::regrole',
    [new URL(url).username],
  );
  return rows.map(({ name }) => name);
}

/** A drop that waits until a superuser's session has left: the role of the benchmark may not end it. */
const dropWaits = `select from pg_stat_activity where query ~ '^drop database if exists commitcast_bench_\\w+ $'`;

/** A role that may make databases, and can do nothing else that matters. */
async function maker(database: TestDatabase): Promise<string> {
  const url = await database.urlAsMemberOf();
  await database.pool.query(`alter role ${new URL(url).username} createdb`);
  return url;
}

describe('bench', limit, async () => {
  const database = await createDatabase();

  /** Waits until the database has been made, and what the benchmark writes is there. */
  async function connectWithin(running: CliProcess, url: string): Promise<Client> {
    await until(() => running.stderr().includes('the round trip'), { message: 'the first measurement' });
    const [name = ''] = await databasesOf(database, url);
    return database.connect(urlOfDatabase(database.url, name));
  }

  it('measures every point, finds each event once and in order, and leaves nothing behind', async () => {
    const url = await maker(database);
    const { code, stdout, stderr } = await runCli(['bench', '--json', ...brief], {
      cwd,
      env: { DATABASE_URL: url },
    });
    expect(stderr).toMatch(/^ +\d+ s {2}the schema is made\n( +\d+ s {2}\S.*\n)+$/);
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as BenchReport;
    expect(report.events).toMatchObject({ missed: 0, doubled: 0, disordered: 0 });
    // The backlog, the timed ones, and at least one of each writer.
    expect(report.events.committed).toBeGreaterThan(20_000 + 40 + 41);
    expect(report.settling.events).toBe(40);
    expect(report.drain.events).toBe(20_000);
    expect(report.writeTax.map(({ writers }) => writers)).toEqual([1, 8, 32]);
    for (const { plain, outbox, ratio } of report.writeTax) {
      for (const spread of [plain, outbox, ratio]) {
        expect(spread.min).toBeGreaterThan(0);
        expect(spread.min).toBeLessThanOrEqual(spread.median);
        expect(spread.median).toBeLessThanOrEqual(spread.max);
      }
    }
    for (const { times } of [report.roundTrip, report.commit]) expect(times.p50).toBeGreaterThan(0);
    // What the relay tells, it cannot tell before it was meant to be sent; nor is it minutes late.
    expect(report.settling.settled.p50).toBeGreaterThan(0);
    expect(report.settling.settled.max).toBeLessThan(60_000);

    expect(await databasesOf(database, url)).toEqual([]);
    const { rows } = await database.pool.query(
      `select (select count(*)::int from commitcast.log) as events, to_regnamespace('bench') as schema`,
    );
    expect(rows).toEqual([{ events: 0, schema: null }]);
  });

  it('shows a line for each figure, with what it says', async () => {
    const { code, stdout } = await runCli(['bench', ...brief], { cwd, env: { DATABASE_URL: database.url } });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^Postgres \d+\.\d+.*, fsync (on|off), synchronous_commit on\n\nmeasured +figure +reading\n/,
    );
    for (const line of [
      /^round trip of a statement +p50 [\d.]+ ms, p99 [\d.]+ ms +\S+/m,
      /^commit, 1 writer +p50 [\d.]+ ms, p99 [\d.]+ ms +\S+/m,
      /^outbox : plain insert, 32 writers +[\d.]+ \[[\d.]+–[\d.]+\]: [\d,]+ : [\d,]+\/s +\S+/m,
      /^event to relay, 100\/s +p50 [\d.]+ ms, p99 [\d.]+ ms +\S+/m,
      /^backlog of 20,000 events +[\d,]+ events\/s +\S+/m,
      /^[\d,]+ events +all told +every one exactly once, in order$/m,
    ])
      expect(stdout).toMatch(line);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('drops its database when %s interrupts it', async (signal, exitCode) => {
    const url = await maker(database);
    const running = startCli(['bench', '--seconds', '1'], { cwd, env: { DATABASE_URL: url } });
    await until(() => running.stderr().includes('8 at a time'), { message: 'the writers' });
    expect(await databasesOf(database, url)).toHaveLength(1);
    running.child.kill(signal);
    expect(await running.ended).toBe(exitCode);
    expect(running.stderr()).toMatch(/Interrupted; the database of the benchmark is dropped\.\n$/);
    expect(running.stdout()).toBe('');
    expect(await databasesOf(database, url)).toEqual([]);
  });

  it('drops its database when its connections are ended', async () => {
    const url = await maker(database);
    const running = startCli(['bench'], { cwd, env: { DATABASE_URL: url } });
    const within = await connectWithin(running, url);
    await within.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and application_name = 'commitcast-bench'`,
    );
    // Still there when the database is to be dropped, and of a superuser: the first attempt fails.
    await until(() => database.pool.query(dropWaits).then(({ rows }) => rows.length > 0));
    await within.end();
    expect(await running.ended).toBe(1);
    expect(running.stderr()).toMatch(/^UNAVAILABLE: /m);
    expect(await databasesOf(database, url)).toEqual([]);
  });

  it.each([
    [
      'came twice',
      `insert into commitcast.outbox (org_id, unit_id, type, data)
      select 'acme', 'u0', 'again', jsonb_build_object('n', n) from generate_series(1, 3) n`,
      '0 missed, 3 doubled',
    ],
    ['never came', 'update bench.unit set n = n + 5 where id = 0', '5 missed, 0 doubled'],
  ])('says so, and exits 1, when an event %s', async (_case, statement, told) => {
    const url = await maker(database);
    const running = startCli(['bench', '--seconds', '0.5'], { cwd, env: { DATABASE_URL: url } });
    const within = await connectWithin(running, url);
    await within.query(statement);
    await within.end();
    expect(await running.ended).toBe(1);
    expect(running.stdout()).toMatch(new RegExp(`${told}, \\d+ out of order +WRONG`));
    expect(await databasesOf(database, url)).toEqual([]);
  });

  it('counts a stall against all events that were meant to happen meanwhile', async () => {
    const url = await maker(database);
    const running = startCli(['bench', '--json', '--seconds', '0.5'], { cwd, env: { DATABASE_URL: url } });
    const within = await connectWithin(running, url);
    await until(() => running.stderr().includes('to the relay'), { message: 'the timed events' });
    await within.query('begin; lock table bench.unit');
    const waiting = `select from pg_stat_activity
      where datname = current_database() and application_name = 'commitcast-bench' and wait_event_type = 'Lock'`;
    // Eight connections, whose events are 10 ms apart: the first of them has waited for 70 ms at least.
    await until(() => within.query(waiting).then(({ rows }) => rows.length === 8));
    await within.query('commit');
    await within.end();
    expect(await running.ended).toBe(0);
    const { settling } = JSON.parse(running.stdout()) as BenchReport;
    expect(settling.committed.max).toBeGreaterThan(70);
    expect(settling.settled.max).toBeGreaterThan(70);
    // Neither the first alone: the second was meant to be 10 ms later.
    expect(settling.settled.p99).toBeGreaterThan(60);
  });

  it('asks for the right to make a database, where the role has none', async () => {
    const url = await database.urlAsMemberOf();
    const { code, stderr } = await runCli(['bench'], { cwd, env: { DATABASE_URL: url } });
    const role = new URL(url).username;
    expect(stderr).toMatch(/^CONFIG_INVALID: The role \w+ lacks CREATEDB, /);
    const [statement = ''] = /alter role .* createdb(?=;)/.exec(stderr) ?? [];
    await database.pool.query(statement);
    const { rows } = await database.pool.query('select from pg_roles where rolname = $1 and rolcreatedb', [
      role,
    ]);
    expect(rows).toHaveLength(1);
    expect(code).toBe(1);
  });

  it.each([['0'], ['-1'], ['61'], ['soon'], ['']])('refuses --seconds %j', async (seconds) => {
    const { code, stderr } = await runCli(['bench', `--seconds=${seconds}`], {
      cwd: await makeFolder(),
    });
    expect(stderr).toMatch(/^USAGE: --seconds/);
    expect(code).toBe(1);
  });

  describeWithTool('pgbouncer', 'behind PgBouncer', () => {
    it('refuses a pooler that lends connections for one transaction', async () => {
      const url = await startPgBouncer(database);
      const { code, stderr } = await runCli(['bench'], { cwd, env: { DATABASE_URL: url } });
      expect(stderr).toMatch(/^DATABASE_POOLED: /);
      expect(code).toBe(1);
    });
  });
});

it(
  'leaves no roles behind, and does without the writers that a small server has no room for',
  limit,
  async () => {
    const server = await startPrivateServer({ max_connections: '30' });
    await administer(server.url, 'create role commitcast_reader');
    const { code, stdout } = await runCli(['bench', ...brief], { cwd, env: { DATABASE_URL: server.url } });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^outbox : plain insert, 32 writers +not measured +the server has \d+ connections left/m,
    );
    expect(stdout).toMatch(/^outbox : plain insert, 8 writers +[\d.]+ \[/m);
    const client = new Client({ connectionString: server.url });
    await client.connect();
    try {
      const { rows } = await client.query<{ name: string }>(
        `select rolname as name from pg_roles where rolname ~ '^commitcast_'
       union all select datname from pg_database where datname ~ '^commitcast_'`,
      );
      // It was there before.
      expect(rows).toEqual([{ name: 'commitcast_reader' }]);
    } finally {
      await client.end();
    }
  },
);
