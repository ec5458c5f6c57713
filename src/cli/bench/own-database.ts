import { randomBytes } from 'node:crypto';
import { CommitcastError } from '../../core/errors.ts';
import { silentLogger } from '../../core/logger.ts';
import { sleep } from '../../core/sleep.ts';
import { connect } from '../../db/connection.ts';
import { rowsOf, type Executor } from '../../db/executor.ts';
import { sqlStateOf } from '../../db/sql-state.ts';

/** Making and dropping a database may wait for a checkpoint of a busy server. */
const administrationLimitMs = 120_000;
/**
 * A server that restarts is back soon, so it is tried more than once. FORCE ends sessions, but fails at once when one of
 * them is of a role that may not be ended; without it, Postgres waits for some seconds until all have left.
 */
const dropAttempts = [
  { pauseMs: 0, how: 'with (force)' },
  { pauseMs: 0, how: '' },
  { pauseMs: 5_000, how: 'with (force)' },
];
/** Roles are of the server, so they would outlive the database that they were made for. */
const roles = ['commitcast_writer', 'commitcast_reader', 'commitcast_relay', 'commitcast_consumer'];

/**
 * Makes a database on the server of this address, hands its address to the work, and drops it however the work ends.
 * The database that the address names is left as it is.
 *
 * @throws {CommitcastError} `CONFIG_INVALID` when the role may not make databases; `UNAVAILABLE` when the database
 *   could not be dropped
 */
export async function withOwnDatabase<Result>(
  serverUrl: string,
  work: (url: string, name: string) => Promise<Result>,
): Promise<Result> {
  const name = `commitcast_bench_${randomBytes(6).toString('hex')}`;
  const url = urlOf(serverUrl, name);
  const missing = await administer(serverUrl, async (db) => {
    const before = await missingRoles(db);
    await create(db, name);
    return before;
  });
  try {
    return await work(url, name);
  } finally {
    await drop(serverUrl, name);
    await administer(serverUrl, (db) => dropRoles(db, missing));
  }
}

async function administer<Result>(url: string, work: (db: Executor) => Promise<Result>): Promise<Result> {
  const connection = await connect({
    connectionString: url,
    applicationName: 'commitcast-bench',
    statementTimeoutMs: administrationLimitMs,
    logger: silentLogger,
  });
  try {
    return await work(connection.client);
  } finally {
    await connection.close();
  }
}

async function create(db: Executor, name: string): Promise<void> {
  const [row] = await rowsOf<{ role: string }>(db, 'select quote_ident(current_user) as role');
  try {
    // Not the usual template: somebody may be connected to that, or have put tables into it.
    await db.query(`create database ${name} template template0`);
  } catch (error) {
    const state = sqlStateOf(error);
    if (state === '42501') {
      throw new CommitcastError(
        'CONFIG_INVALID',
        `The role ${row?.role} lacks CREATEDB, the right to make databases, and the benchmark works in one of its own. ` +
          `As a superuser: alter role ${row?.role} createdb; or name a role that has it in DATABASE_URL`,
        { cause: error },
      );
    }
    if (state === '25006') {
      throw new CommitcastError(
        'CONFIG_INVALID',
        'This server is a standby, which only reads. Name the primary in DATABASE_URL',
        { cause: error },
      );
    }
    throw error;
  }
}

async function drop(serverUrl: string, name: string): Promise<void> {
  let cause: unknown;
  for (const { pauseMs, how } of dropAttempts) {
    await sleep(pauseMs);
    try {
      await administer(serverUrl, (db) => db.query(`drop database if exists ${name} ${how}`));
      return;
    } catch (error) {
      cause = error;
    }
  }
  throw new CommitcastError(
    'UNAVAILABLE',
    `The database of the benchmark could not be dropped: ${(cause as Error).message}. Drop it by hand: drop database ${name}`,
    { cause },
  );
}

async function missingRoles(db: Executor): Promise<string[]> {
  const present = await rowsOf<{ role: string }>(
    db,
    'select rolname::text as role from pg_roles where rolname = any($1)',
    [roles],
  );
  return roles.filter((each) => present.every(({ role }) => role !== each));
}

async function dropRoles(db: Executor, missing: readonly string[]): Promise<void> {
  for (const role of missing) {
    try {
      await db.query(`drop role if exists ${role}`);
    } catch (error) {
      // Another database of this server was migrated meanwhile, and has granted something to it.
      // Or it was never made: this role may not make roles.
      if (!['2BP01', '42501'].includes(sqlStateOf(error) ?? '')) throw error;
    }
  }
}

function urlOf(serverUrl: string, database: string): string {
  if (!URL.canParse(serverUrl))
    throw new CommitcastError('CONFIG_INVALID', 'DATABASE_URL is not of the form postgres://…');
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  return url.href;
}
