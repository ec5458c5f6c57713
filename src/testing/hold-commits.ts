import { randomBytes, randomInt } from 'node:crypto';
import { silentLogger } from '../core/logger.ts';
import { sleep } from '../core/sleep.ts';
import { connect, type Connection } from '../db/connection.ts';
import { rowsOf } from '../db/executor.ts';
import { sqlStateOf } from '../db/sql-state.ts';

/** Holds commits in their last instant: they have their positions, and nobody sees them. */
export interface CommitHold {
  /** How many commits wait now. */
  waiting(): Promise<number>;
  /** Resolves when so many commits wait. Rejects after `timeoutMs` (default: 30,000). */
  reached(count?: number, options?: { timeoutMs?: number }): Promise<void>;
  /** Lets all pass, and those that come. */
  release(): Promise<void>;
  /** Holds again, from now on. */
  hold(): Promise<void>;
  /** Releases, drops what was made in the database, and ends the connection. Idempotent. */
  close(): Promise<void>;
}

export interface HoldOptions {
  /** Which commits: those with an event whose type is `LIKE` this. Default: `%`, all. */
  type?: string;
  /** Commits with an event whose type is `LIKE` this fail when they are released: their positions are dead. Default: none. */
  failing?: string;
}

/** First key of the advisory locks, so that they are nobody else's. */
const lockClass = 0x636d_6368;
const lockNotAvailable = '55P03';
const dropAttempts = 20;

/**
 * Holds the commits of a test database, of events of all types or of some, until they are released. A deferred trigger
 * on the log does it: it is queued by the pass that gives positions, so it is the last that a commit does.
 *
 * @param databaseUrl a migrated database, as the owner of the schema `commitcast` or as superuser; for tests only
 *
 * @example
 * const hold = await holdCommits(databaseUrl, { type: 'order.%' });
 * const placed = placeOrder();      // its COMMIT does not return
 * await hold.reached(1);
 * await hold.release();
 * await placed;
 * await hold.close();
 */
export async function holdCommits(
  databaseUrl: string,
  { type = '%', failing }: HoldOptions = {},
): Promise<CommitHold> {
  const schema = `commitcast_hold_${randomBytes(6).toString('hex')}`;
  const keys = [lockClass, randomInt(2 ** 31)];
  const keeper = await open(databaseUrl);
  const { client } = keeper;
  const fails =
    failing === undefined
      ? ''
      : `if new.type like ${client.escapeLiteral(failing)} then raise 'failed in its last instant'; end if;`;
  const hold = async () => {
    await client.query('select pg_advisory_lock($1, $2)', keys);
  };
  const release = async () => {
    await client.query('select pg_advisory_unlock_all()');
  };
  const waiting = async () => {
    const [row] = await rowsOf<{ count: number }>(
      client,
      `select count(*)::int as count from pg_locks
       where locktype = 'advisory' and classid = $1 and objid = $2 and objsubid = 2 and not granted
         and database = (select oid from pg_database where datname = current_database())`,
      keys,
    );
    return row?.count ?? 0;
  };
  try {
    await client.query(`
      begin;
      create schema ${schema};
      create function ${schema}.gate() returns trigger language plpgsql as $gate$
      begin
        if new.type like ${client.escapeLiteral(type)} then
          perform pg_advisory_xact_lock_shared(${keys.join(', ')});
        end if;
        ${fails}
        return null;
      end $gate$;
      create constraint trigger ${schema} after insert on commitcast.log
      deferrable initially deferred for each row execute function ${schema}.gate();
      commit`);
    await hold();
  } catch (error) {
    await keeper.close();
    throw error;
  }

  let closed: Promise<void> | undefined;
  return {
    waiting,
    async reached(count = 1, { timeoutMs = 30_000 } = {}) {
      const deadline = performance.now() + timeoutMs;
      for (let now = await waiting(); now < count; now = await waiting()) {
        if (performance.now() > deadline)
          throw new Error(`waited ${timeoutMs} ms for ${count} commits at the hold; there are ${now}`);
        await sleep(5);
      }
    },
    release,
    hold,
    close: () => (closed ??= end(keeper, databaseUrl, schema)),
  };
}

/** If the connection was lost, so is the lock: nothing is held, but the trigger is still there. */
async function end(keeper: Connection, databaseUrl: string, schema: string): Promise<void> {
  const connection = keeper.lost.aborted ? await open(databaseUrl) : keeper;
  try {
    await connection.client.query('select pg_advisory_unlock_all()');
    // Dropping waits for every reader of the log, and everybody behind it for the drop: so it never waits for long.
    await connection.client.query(`set lock_timeout = '250ms'`);
    for (let attempt = 1; ; attempt++) {
      try {
        await connection.client.query(`drop schema if exists ${schema} cascade`);
        return;
      } catch (error) {
        if (sqlStateOf(error) !== lockNotAvailable || attempt === dropAttempts) throw error;
        await sleep(50);
      }
    }
  } finally {
    await connection.close();
  }
}

function open(databaseUrl: string): Promise<Connection> {
  return connect({
    connectionString: databaseUrl,
    applicationName: 'commitcast-testing',
    logger: silentLogger,
  });
}
