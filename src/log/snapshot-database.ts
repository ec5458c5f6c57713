import type { SQL } from 'drizzle-orm';
import type { Pool, PoolClient } from 'pg';
import { checkOut } from '../db/check-out.ts';
import { drizzleTransaction, isDrizzleOverPool } from '../db/drizzle-pool.ts';
import type { Executor } from '../db/executor.ts';
import { executorOf, type DrizzleTransaction } from './transaction.ts';

const config = { isolationLevel: 'repeatable read', accessMode: 'read only' } as const;

/** A drizzle database over Postgres, whatever its driver. */
export interface DrizzleDatabase<Tx> {
  execute(query: SQL): PromiseLike<unknown>;
  transaction<Result>(work: (tx: Tx) => Promise<Result>, options?: typeof config): Promise<Result>;
}

/** What a snapshot asks of a database, however the application reaches it. */
export interface SnapshotDatabase<Tx> {
  /** Each statement is a transaction of its own, on any connection. */
  readonly executor: Executor;
  /** A REPEATABLE READ, READ ONLY transaction on one connection: ends with `work`, and by its outcome. */
  transaction<Result>(work: (tx: Tx, executor: Executor) => Promise<Result>): Promise<Result>;
}

/** @throws {TypeError} for anything but a drizzle database or a `pg` Pool */
export function snapshotDatabaseOf<Tx>(db: DrizzleDatabase<Tx> | Pool): SnapshotDatabase<Tx> {
  // The two forms of one function: callers see them as overloads of `snapshot`.
  if (isPool(db)) return poolDatabase(db) as unknown as SnapshotDatabase<Tx>;
  if (!isDrizzle(db))
    throw new TypeError(
      'snapshot(db, …) takes a drizzle database or a pg Pool, for it opens transactions of its own; a client or a transaction will not do',
    );
  return {
    executor: executorOf(db),
    transaction(work) {
      const inside = (tx: Tx) => work(tx, executorOf(tx as unknown as DrizzleTransaction));
      return isDrizzleOverPool<Tx>(db)
        ? drizzleTransaction(db, inside, config)
        : db.transaction(inside, config);
    },
  };
}

const ignore = () => undefined;

function poolDatabase(pool: Pool): SnapshotDatabase<PoolClient> {
  return {
    executor: pool,
    async transaction(work) {
      // A connection may be lost while it is idle, as when `work` waits for something else.
      const client = await checkOut(pool, ignore);
      let usable = false;
      try {
        await client.query('begin isolation level repeatable read read only');
        const result = await work(client, client).catch(async (error: unknown) => {
          usable = await client.query('rollback').then(
            () => true,
            () => false,
          );
          throw error;
        });
        await client.query('commit');
        usable = true;
        return result;
      } finally {
        client.release(!usable);
        client.off('error', ignore);
      }
    },
  };
}

// A client has `connect`, too, but does not count what it has opened.
function isPool(db: object): db is Pool {
  return typeof (db as Pool).connect === 'function' && typeof (db as Pool).totalCount === 'number';
}

// A drizzle transaction has both, too: there `transaction` is a savepoint, which sees what the transaction around it sees.
function isDrizzle<Tx>(db: DrizzleDatabase<Tx>): boolean {
  return (
    typeof db.execute === 'function' &&
    typeof db.transaction === 'function' &&
    !('rollback' in db && typeof db.rollback === 'function')
  );
}
