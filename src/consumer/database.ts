import { EventEmitter } from 'node:events';
import type { Pool, PoolClient } from 'pg';
import { checkOut } from '../db/check-out.ts';
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

/** drizzle's session over `pg`, as far as it is needed here. */
interface Session<Tx> {
  client: unknown;
  transaction(work: (tx: Tx) => Promise<void>): Promise<unknown>;
}

/** A drizzle database over a pool of `pg`. */
interface OverPool<Tx> {
  $client: Pool;
  session: Session<Tx>;
}

/**
 * drizzle (0.45) does not listen for errors of the connection that it takes, so that one which the server has ended ends
 * the process; and it never gives back one whose `begin` fails. It is lent one of its pool by us: its session is its own
 * but for that.
 */
async function inDrizzleTransaction<Tx>(
  { $client, session }: OverPool<Tx>,
  work: (tx: Tx) => Promise<void>,
): Promise<void> {
  const client = await checkOut($client, ignore);
  const lent = Object.create(session, { client: { value: client } }) as Session<Tx>;
  const outcome: { error?: unknown } = {};
  let usable = false;
  try {
    await lent.transaction(async (tx) => {
      await work(tx).catch((error: unknown) => {
        outcome.error = error;
        throw error;
      });
    });
    usable = true;
  } catch (error) {
    // Any other one is of its `begin`, `commit` or `rollback`.
    usable = error === outcome.error;
    throw error;
  } finally {
    client.release(!usable);
    client.off('error', ignore);
  }
}

function isOverPool<Tx>(db: object): db is OverPool<Tx> {
  const { $client, session } = db as Partial<OverPool<Tx>>;
  return (
    typeof session?.transaction === 'function' &&
    session.client === $client &&
    typeof $client?.totalCount === 'number'
  );
}

/**
 * Any other database. Where it is drizzle over a client of `pg`: that is listened to here. And where the connection is
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
    await (isOverPool<Tx>(db) ? inDrizzleTransaction(db, inside) : db.transaction(inside));
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
