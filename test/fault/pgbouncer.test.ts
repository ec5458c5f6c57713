import { drizzle } from 'drizzle-orm/node-postgres';
import { sql } from 'drizzle-orm';
import type { Client } from 'pg';
import { expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { runCli, makeFolder, startCli } from '../support/cli.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startPgBouncer } from '../support/pgbouncer.ts';
import { startServer } from '../support/server.ts';
import { secret, signToken } from '../support/tokens.ts';
import { describeWithTool } from '../support/tools.ts';
import { insertEvent } from '../support/transactions.ts';
import { until } from '../support/until.ts';

const writers = 16;
const transactions = 30;
const rows = 5;

/** Raises a row's version and says so, in one transaction; with a second event, and a limit of two. */
type Write = (client: Client, row: number) => Promise<void>;

const raise = 'update public.hot set version = version + 1 where row = $1 returning version';
// Local to a transaction: what would be left behind on the server connection would be counted against the next writer.
const limits = 'set local commitcast.max_events_per_transaction = 2; set local synchronous_commit = off';
const eventsOf = (row: number, version: number) => [
  { org: 'acme', type: 'raised', data: { row, version } },
  { org: 'acme', unit: `row-${row}`, type: 'also', data: { row, version } },
];

async function within(client: Client, work: () => Promise<void>): Promise<void> {
  await client.query('begin');
  await client.query(limits);
  await work();
  await client.query('commit');
}

const ways: Write[] = [
  (client, row) =>
    within(client, async () => {
      const raised = await client.query<{ version: number }>(raise, [row]);
      await append(client, eventsOf(row, raised.rows[0]?.version ?? 0));
    }),
  (client, row) =>
    drizzle(client).transaction(async (tx) => {
      await tx.execute(sql.raw('set local commitcast.max_events_per_transaction = 2'));
      const raised = await tx.execute<{ version: number }>(
        sql`update public.hot set version = version + 1 where row = ${row} returning version`,
      );
      await append(tx, eventsOf(row, raised.rows[0]?.version ?? 0));
    }),
  (client, row) =>
    within(client, async () => {
      await client.query(
        `with raised as (${raise})
         insert into commitcast.outbox (org_id, unit_id, type, data)
         select 'acme', unit, type, jsonb_build_object('row', $1, 'version', version)
         from raised, (values (1, null, 'raised'), (2, 'row-' || $1, 'also')) e (n, unit, type) order by n`,
        [row],
      );
    }),
  // What is rolled back leaves nothing behind either.
  async (client, row) => {
    await client.query('begin');
    await client.query(limits);
    await client.query(raise, [row]);
    await append(client, [...eventsOf(row, -1)]);
    await client.query('rollback');
  },
];

async function countCommitting(database: TestDatabase): Promise<number> {
  const { rows: found } = await database.pool.query<{ held: number }>(
    `select count(*)::int as held from pg_locks where locktype = 'advisory' and objid = 1
     and database = (select oid from pg_database where datname = current_database())`,
  );
  return found[0]?.held ?? -1;
}

describeWithTool('pgbouncer', 'PgBouncer in transaction mode before the business code', () => {
  it('P2, P3: writers who share two server connections by turns keep order, and lose and leak nothing', async () => {
    const database = await createDatabase();
    await database.pool.query(
      `create table public.hot (row int primary key, version int not null default 0)`,
    );
    await database.pool.query(`insert into public.hot (row) select generate_series(1, $1)`, [rows]);
    const server = await startServer(database);
    const watcher = await connectClient(server.url, { subscriptions: [{ deep: true }] });
    await watcher.live();
    const pooled = await startPgBouncer(database, { poolSize: 2 });

    const clients = await Promise.all(Array.from({ length: writers }, () => database.connect(pooled)));
    await Promise.all(
      clients.map(async (client, writer) => {
        for (let n = 0; n < transactions; n++)
          await ways[(writer + n) % ways.length]?.(client, 1 + ((writer * 7 + n) % rows));
      }),
    );

    const { rows: hot } = await database.pool.query<{ row: number; version: number }>(
      'select row, version from public.hot order by row',
    );
    const committed = hot.reduce((sum, { version }) => sum + version, 0);
    expect(committed).toBe((writers * transactions * 3) / 4);
    await until(() => watcher.events.length >= 2 * committed, { message: 'all events' });
    expect(watcher.events).toHaveLength(2 * committed);
    expect(watcher.positions).toEqual(watcher.positions.toSorted((a, b) => a - b));
    for (const { row, version } of hot) {
      const told = watcher.events
        .filter(({ type, data }) => type === 'raised' && (data as { row: number }).row === row)
        .map(({ data }) => (data as { version: number }).version);
      expect(told).toEqual(Array.from({ length: version }, (_, n) => n + 1));
    }

    // Both server connections are looked at: more ask at once than there are.
    const left = await Promise.all(
      clients.map((client) =>
        client.query(
          `select coalesce(nullif(current_setting('commitcast.events', true), ''), '0') as events,
           current_setting('synchronous_commit') as commit, pg_sleep(0.01)::text as slept`,
        ),
      ),
    );
    for (const answer of left) expect(answer.rows).toEqual([{ events: '0', commit: 'on', slept: '' }]);
    expect(await countCommitting(database)).toBe(0);
  });

  it('an instance that gets the same address refuses to start, and says what to set', async () => {
    const database = await createDatabase();
    const pooled = await startPgBouncer(database);
    await expect(startServer(database, { databaseUrl: pooled })).rejects.toMatchObject({
      code: 'DATABASE_POOLED',
    });
  });

  it('`serve` refuses it too; with DATABASE_DIRECT_URL beside it, it serves', async () => {
    const database = await createDatabase();
    const env = {
      DATABASE_URL: await startPgBouncer(database),
      JWT_SECRET: secret,
      PORT: '0',
      HOST: '127.0.0.1',
    };
    const refused = await runCli(['serve'], { cwd: await makeFolder(), env });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^DATABASE_POOLED: .*\n.*DATABASE_DIRECT_URL/m);

    const direct = { ...env, DATABASE_DIRECT_URL: database.url };
    const served = startCli(['serve'], { cwd: await makeFolder(), env: direct });
    const url = await until(() => /http:\/\/127\.0\.0\.1:\d+/.exec(served.stdout())?.[0], {
      message: 'the address',
    });
    const client = await connectClient(url, { token: await signToken() });
    await client.live();
    const business = await database.connect(env.DATABASE_URL);
    await insertEvent(business, 'through the pooler');
    await until(() => client.events.length === 1);
    expect(client.events).toMatchObject([{ type: 'through the pooler' }]);
    served.child.kill('SIGTERM');
    expect(await served.ended).toBe(0);
  });
});
