import { drizzle } from 'drizzle-orm/node-postgres';
import type { NodePgTransaction } from 'drizzle-orm/node-postgres';
import type { PgTransactionConfig } from 'drizzle-orm/pg-core';
import type { ExtractTablesWithRelations } from 'drizzle-orm';
import type { Pool } from 'pg';

export type Transaction = NodePgTransaction<
  Record<string, never>,
  ExtractTablesWithRelations<Record<string, never>>
>;

/**
 * A drizzle transaction on a connection of the pool. Not `drizzle(pool).transaction`: that one (0.45) never gives the
 * connection back when its `begin` fails, and a pool that has lost its server a few times is then empty.
 */
export async function transaction<Result>(
  pool: Pool,
  work: (tx: Transaction) => Promise<Result>,
  config?: PgTransactionConfig,
): Promise<Result> {
  const client = await pool.connect();
  // The query in flight fails as well; an error event without a listener would end the process.
  client.on('error', ignore);
  try {
    return await drizzle(client).transaction(work, config);
  } finally {
    client.off('error', ignore);
    client.release();
  }
}

function ignore(): void {}
