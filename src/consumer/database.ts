import type { Pool, PoolClient } from 'pg';
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
  if (isTransactional(db)) return db.transaction((tx) => work(tx as Tx & Transaction));
  return inPoolTransaction(db, (client) => work(client as unknown as Tx & Transaction));
}

/** The same on a client of a pool. */
export async function inPoolTransaction(
  pool: Pool,
  work: (client: PoolClient) => Promise<void>,
): Promise<void> {
  const client = await pool.connect();
  // The query in flight fails as well; an error event without a listener would end the process.
  const lost = { error: undefined as Error | undefined };
  const onError = (error: Error) => {
    lost.error = error;
  };
  client.on('error', onError);
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
    client.off('error', onError);
    client.release(lost.error);
  }
}

function isTransactional<Tx>(db: Database<Tx>): db is TransactionalDatabase<Tx> {
  return typeof (db as TransactionalDatabase<Tx>).transaction === 'function';
}
