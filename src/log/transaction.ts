import { sql, type SQL } from 'drizzle-orm';
import type { Executor } from '../db/executor.ts';
import { fromDatabaseError } from '../db/sql-state.ts';

/** Any drizzle transaction over Postgres. */
export interface DrizzleTransaction {
  // The result's form is the driver's: `{ rows }` over pg, an array over postgres.js.
  execute(query: SQL): PromiseLike<unknown>;
}

/** The transaction that an event belongs to. */
export type Transaction = Executor | DrizzleTransaction;

/**
 * Runs one statement inside the caller's transaction; the parts of the text stand around the values.
 *
 * @throws {CommitcastError} for what the guards of the database refuse; other errors as they are
 */
export async function rowsIn<Row>(
  tx: Transaction,
  parts: readonly string[],
  values: readonly unknown[],
): Promise<Row[]> {
  try {
    const result = isExecutor(tx)
      ? await tx.query(
          parts.reduce((text, part, index) => `${text}$${index}${part}`),
          [...values],
        )
      : await tx.execute(statement(parts, values));
    return (Array.isArray(result) ? result : (result as { rows: unknown[] }).rows) as Row[];
  } catch (error) {
    throw fromDatabaseError(error);
  }
}

function statement(parts: readonly string[], values: readonly unknown[]): SQL {
  return sql.join(
    parts.flatMap((part, index) =>
      index === 0 ? [sql.raw(part)] : [sql`${values[index - 1]}`, sql.raw(part)],
    ),
  );
}

/** The caller's transaction or database as what the operations of the log run on; `$1`, `$2` … stand for the values. */
export function executorOf(tx: Transaction): Executor {
  if (isExecutor(tx)) return tx;
  return {
    async query(text, values = []) {
      const parts = text
        .split(/\$(\d+)/)
        // As one parameter: drizzle takes an array for a list of them.
        .map((part, index) =>
          index % 2 === 0 ? sql.raw(part) : sql`${sql.param(values[Number(part) - 1])}`,
        );
      const result = await tx.execute(sql.join(parts));
      return Array.isArray(result) ? { rows: result as unknown[] } : (result as { rows: unknown[] });
    },
  };
}

// drizzle's `query` is an object of relations, not a function.
function isExecutor(tx: Transaction): tx is Executor {
  return typeof (tx as Executor).query === 'function';
}
