import { beforeAll, expect, it } from 'vitest';
import { codes } from '../../src/core/codes.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { assertDirect } from '../../src/db/pooled.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startPgBouncer, type PgBouncerOptions } from '../support/pgbouncer.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { describeWithTool } from '../support/tools.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
});

/** What the logger was told, in warnings. */
async function judge(connectionString: string): Promise<string[]> {
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (_fields: object, message: string) => warnings.push(message) };
  await assertDirect({ connectionString, logger });
  return warnings;
}

/** Sessions through a pooler that have been used, so that it has idle server connections to lend. */
async function warmUp(url: string, sessions: number): Promise<void> {
  const clients = await Promise.all(Array.from({ length: sessions }, () => database.connect(url)));
  await Promise.all(clients.map((client) => client.query('select pg_sleep(0.05)')));
}

it('a direct address is taken, with one query', async () => {
  expect(await judge(database.url)).toEqual([]);
});

it('a TCP proxy hides nothing, and is taken', async () => {
  const proxy = await startTcpProxy(database.url);
  expect(await judge(proxy.url)).toEqual([]);
});

it('a database that cannot be reached stays that error', async () => {
  await expect(judge('postgres://nobody@127.0.0.1:1/none')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

describeWithTool('pgbouncer', 'PgBouncer', () => {
  it.each<[string, PgBouncerOptions, number]>([
    ['new', {}, 0],
    ['with server connections to spare', {}, 8],
    ['that takes them in turn', { roundRobin: true }, 8],
    ['with a single server connection', { poolSize: 1 }, 0],
  ])('in transaction mode is refused: %s', async (_case, options, sessions) => {
    const url = await startPgBouncer(database, options);
    await warmUp(url, sessions);
    await expect(judge(url)).rejects.toMatchObject({ code: 'DATABASE_POOLED' });
  });

  it('in statement mode is refused', async () => {
    const url = await startPgBouncer(database, { mode: 'statement' });
    await expect(judge(url)).rejects.toMatchObject({ code: 'DATABASE_POOLED' });
  });

  it('that refuses our settings is said to be what it is, in either mode', async () => {
    for (const mode of ['transaction', 'session'] as const) {
      const url = await startPgBouncer(database, { mode, ignoreStartupParameters: 'extra_float_digits' });
      const refused = judge(url);
      await expect(refused).rejects.toMatchObject({ code: 'DATABASE_POOLED' });
      await expect(refused).rejects.toThrow('unsupported startup parameter');
    }
  });

  it('in session mode is taken, with a warning', async () => {
    const url = await startPgBouncer(database, { mode: 'session' });
    await warmUp(url, 3);
    expect(await judge(url)).toEqual([expect.stringContaining('session mode')]);
  });

  it('in session mode is refused where settings that do not arrive are needed', async () => {
    const own = await createDatabase();
    await own.pool.query(
      `do $$ begin execute format('alter database %I set default_transaction_isolation to serializable', current_database()); end $$`,
    );
    const url = await startPgBouncer(own, { mode: 'session' });
    await expect(judge(url)).rejects.toThrow('the default isolation there is serializable');
    expect(await judge(own.url)).toEqual([]);
  });
});

it('the refusal names the setting that helps', () => {
  expect(codes.DATABASE_POOLED.remedy).toContain('DATABASE_DIRECT_URL');
  expect(codes.DATABASE_POOLED.remedy).toContain('databaseUrl');
});
