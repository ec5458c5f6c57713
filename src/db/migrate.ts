import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Client } from 'pg';
import { readMigrationFiles, type MigrationMeta } from 'drizzle-orm/migrator';
import { Backoff } from '../core/backoff.ts';
import { CommitcastError } from '../core/errors.ts';
import { silentLogger, type Logger } from '../core/logger.ts';
import { sleep } from '../core/sleep.ts';
import { locks, waitForLock } from './advisory-lock.ts';
import { connect, type DatabaseAddress } from './connection.ts';
import { rowsOf, type Executor } from './executor.ts';
import { reportLong, reportTo, type MigrationProgress } from './migration-progress.ts';
import { sqlStateOf } from './sql-state.ts';

/** The same folder from `src/db` and from `dist/db`. */
const migrationsFolder = fileURLToPath(new URL('../../migrations', import.meta.url));
/** So long a commit may be held up by a table that is to be changed. */
const lockTimeoutMs = 200;
const journal = { migrationsFolder };

export interface MigrateOptions extends DatabaseAddress {
  /** Default: none. */
  logger?: Logger;
  /** Hears once a second of a migration that takes longer than that. Default: the logger, less often. */
  report?: (progress: MigrationProgress) => void;
}

/**
 * Brings the schema up to this version. Any number of processes may call it at once: an advisory lock lets one work,
 * the others wait and find nothing to do.
 *
 * @throws {CommitcastError} `SCHEMA_TOO_NEW` when a newer version has migrated the database.
 */
export async function migrate(options: MigrateOptions): Promise<void> {
  const logger = options.logger ?? silentLogger;
  const { client, close } = await connect({
    ...options,
    applicationName: 'commitcast-migrate',
    statementTimeoutMs: 0,
    logger,
  });
  client.on('notice', ({ severity, message }) => {
    if (severity === 'WARNING') logger.warn({}, message ?? 'the database warned');
  });
  try {
    await waitForLock(client, locks.migrate);
    const from = await schemaVersion(client);
    if (from === codeVersion()) return;
    refuseNewer(from);
    await client.query(journalSql);
    const missing = readMigrations().filter(({ folderMillis }) => folderMillis > from);
    await applyInTime(client, missing, { logger, report: options.report ?? reportTo(logger) });
    logger.info({ from, to: codeVersion() }, 'the database schema was migrated');
  } finally {
    await close();
  }
}

/**
 * Changing a table waits for all who read it, and whoever comes later waits behind that: so it waits for a moment only,
 * and comes back. A commit that appends is held up for that moment at most.
 */
async function applyInTime(
  client: Client,
  migrations: readonly Migration[],
  { logger, report }: { logger: Logger; report: Report },
): Promise<void> {
  const backoff = new Backoff({ minMs: 50, maxMs: 1_000 });
  await client.query(`set lock_timeout = ${lockTimeoutMs}`);
  for (;;) {
    try {
      await apply(client, migrations, report);
      return;
    } catch (error) {
      await client.query('rollback').catch(() => undefined);
      if (!['55P03', '57014', '40P01'].includes(sqlStateOf(error) ?? '')) throw error;
      logger.warn({ err: error }, 'the migration waits for an open transaction; it is tried again');
      await sleep(backoff.next());
    }
  }
}

/**
 * All in one transaction, as drizzle's migrator does; but first of all with the lock that every commit with events has.
 * Whoever holds it waits for nothing that is locked later: else a commit could wait for us, and we for it.
 */
async function apply(client: Client, migrations: readonly Migration[], report: Report): Promise<void> {
  await client.query('begin');
  const [outbox] = await rowsOf<{ exists: boolean }>(
    client,
    `select to_regclass('commitcast.outbox') is not null as exists`,
  );
  if (outbox?.exists) {
    await client.query('lock table commitcast.outbox in access exclusive mode');
    // And the one that a transaction may have read before it appends: it would wait for us, and we for it.
    // The limit of a lock is that of each partition.
    await client.query(`set local statement_timeout = ${lockTimeoutMs}`);
    await client.query('lock table commitcast.log in access exclusive mode');
    await client.query('set local statement_timeout = 0');
  }
  for (const [n, { name, sql, hash, folderMillis }] of migrations.entries()) {
    await reportLong({ name, number: n + 1, of: migrations.length }, report, async () => {
      for (const statement of sql) await client.query(statement);
    });
    await client.query('insert into commitcast.migration (hash, created_at) values ($1, $2)', [
      hash,
      folderMillis,
    ]);
  }
  await client.query('commit');
}

/** As drizzle's migrator would make it, so that either can go on where the other has been. */
const journalSql = `
  create schema if not exists commitcast;
  create table if not exists commitcast.migration (id serial primary key, hash text not null, created_at bigint)`;

/**
 * For instances that do not migrate by themselves.
 *
 * @throws {CommitcastError} `SCHEMA_MISSING` or `SCHEMA_TOO_NEW` when the schema is not the one of this version.
 */
export async function checkSchema(db: Executor): Promise<void> {
  const version = await schemaVersion(db);
  refuseNewer(version);
  if (version < codeVersion()) throw new CommitcastError('SCHEMA_MISSING');
}

interface Migration extends MigrationMeta {
  /** Of its file, without the ending. */
  readonly name: string;
}

type Report = (progress: MigrationProgress) => void;

/** With their names, which drizzle's reader keeps to itself. */
function readMigrations(): Migration[] {
  const { entries } = JSON.parse(readFileSync(`${migrationsFolder}/meta/_journal.json`, 'utf8')) as {
    entries: { tag: string }[];
  };
  return readMigrationFiles(journal).map((migration, n) => ({ ...migration, name: entries[n]?.tag ?? '' }));
}

/** When the newest migration of the code was made, in Unix milliseconds. */
function codeVersion(): number {
  return Math.max(...readMigrationFiles(journal).map((migration) => migration.folderMillis));
}

/** When the newest applied migration was made; 0: none. */
async function schemaVersion(db: Executor): Promise<number> {
  try {
    const [row] = await rowsOf<{ version: string | null }>(
      db,
      'select max(created_at) as version from commitcast.migration',
    );
    return Number(row?.version ?? 0);
  } catch (error) {
    if (['42P01', '3F000'].includes(sqlStateOf(error) ?? '')) return 0;
    throw error;
  }
}

function refuseNewer(version: number): void {
  if (version > codeVersion()) throw new CommitcastError('SCHEMA_TOO_NEW');
}
