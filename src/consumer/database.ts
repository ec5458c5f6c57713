import { EventEmitter } from 'node:events';
import type { Pool, PoolClient } from 'pg';
import { checkOut } from '../db/check-out.ts';
import { drizzleTransaction, isDrizzleOverPool } from '../db/drizzle-pool.ts';
import type { Transaction } from '../log/transaction.ts';

/** A drizzle database, or anything that runs work in a transaction of its own. */
export interface TransactionalDatabase<Tx> {
  transaction(work: (tx: Tx) => Promise<void>): Promise<unknown>;
}

/** Where transactions come from. A pool of `pg` gives clients that are in one. */
export type Database<Tx> = TransactionalDatabase<Tx> | Pool;

/** Runs the work in a transaction: commits when it resolves, rolls back when it rejects. */
export function inTransaction<Tx>(
  db: Database<Tx>,
  work: (tx: Tx & Transaction) => Promise<void>,
): Promise<unknown> {
  if (isTransactional(db)) return inForeignTransaction(db, work);
  return inPoolTransaction(db, (client) => work(client as unknown as Tx & Transaction));
}

/**
 * drizzle, over a pool of `pg` most of the time, or any other database. Where it is drizzle over a client: that is listened
 * to here. And where the connection is
 * lost, the error of a rollback would hide the one that counts.
 */
async function inForeignTransaction<Tx>(
  db: TransactionalDatabase<Tx>,
  work: (tx: Tx & Transaction) => Promise<void>,
): Promise<void> {
  const connections: EventEmitter[] = [];
  let failed: { error: unknown } | undefined;
  const inside = async (tx: Tx) => {
    failed = undefined;
    const connection = connectionOf(tx);
    if (connection) connections.push(connection.on('error', ignore));
    try {
      await work(tx as Tx & Transaction);
    } catch (error) {
      failed = { error };
      throw error;
    }
  };
  try {
    await (isDrizzleOverPool<Tx>(db) ? drizzleTransaction(db, inside) : db.transaction(inside));
  } catch (error) {
    throw failed ? failed.error : error;
  } finally {
    for (const connection of connections) connection.off('error', ignore);
  }
}

/** The query in flight fails as well. */
function ignore(): void {}

/** That of a drizzle transaction over `pg`. */
function connectionOf(tx: unknown): EventEmitter | undefined {
  const client = (tx as { session?: { client?: unknown } } | undefined)?.session?.client;
  return client instanceof EventEmitter ? client : undefined;
}

/** The same on a client of a pool. */
export async function inPoolTransaction(
  pool: Pool,
  work: (client: PoolClient) => Promise<void>,
): Promise<void> {
  const lost = { error: undefined as Error | undefined };
  const onError = (error: Error) => {
    lost.error = error;
  };
  const client = await checkOut(pool, onError);
  try {
    await client.query('begin');
    await work(client);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch((failed: Error) => {
      lost.error ??= failed;
    });
    throw error;
  } finally {
    client.release(lost.error);
    client.off('error', onError);
  }
}

function isTransactional<Tx>(db: Database<Tx>): db is TransactionalDatabase<Tx> {
  return typeof (db as TransactionalDatabase<Tx>).transaction === 'function';
}
