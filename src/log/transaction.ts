import { sql, type SQL } from 'drizzle-orm';
import { CommitcastError } from '../core/errors.ts';
import type { Executor } from '../db/executor.ts';
import { fromDatabaseError } from '../db/sql-state.ts';
import { driverExecutorOf, type DriverTransaction } from './driver-executors.ts';

/** Any drizzle transaction over Postgres. */
export interface DrizzleTransaction {
  // The result's form is the driver's: `{ rows }` over pg, an array over postgres.js.
  execute(query: SQL): PromiseLike<unknown>;
}

/** The transaction that an event belongs to. */
export type Transaction = Executor | DrizzleTransaction | DriverTransaction;

/**
 * Runs one statement inside the caller's transaction; the parts of the text stand around the values.
 *
 * @throws {CommitcastError} for what the guards of the database refuse, and `CONFIG_INVALID` for what is no transaction;
 *   other errors as they are
 */
export async function rowsIn<Row>(
  tx: Transaction,
  parts: readonly string[],
  values: readonly unknown[],
): Promise<Row[]> {
  try {
    const result = isDrizzle(tx)
      ? await tx.execute(statement(parts, values))
      : await executorOf(tx).query(
          parts.reduce((text, part, index) => `${text}$${index}${part}`),
          [...values],
        );
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

/**
 * The caller's transaction or database as what the operations of the log run on; `$1`, `$2` … stand for the values.
 *
 * @throws {CommitcastError} `CONFIG_INVALID` for what is none of them
 */
export function executorOf(tx: Transaction): Executor {
  if (isExecutor(tx)) return tx;
  if (!isDrizzle(tx)) return driverExecutorOf(tx) ?? refuse(tx);
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
  return typeof (tx as Partial<Executor> | undefined)?.query === 'function';
}

function isDrizzle(tx: Transaction): tx is DrizzleTransaction {
  return !isExecutor(tx) && typeof (tx as Partial<DrizzleTransaction> | undefined)?.execute === 'function';
}

/** In plain JavaScript it may be anything; most of the time a promise that was not awaited, or nothing at all. */
function refuse(tx: unknown): never {
  throw new CommitcastError(
    'CONFIG_INVALID',
    `${tx === null ? 'null' : typeof tx} is no transaction: give the one of drizzle, pg, postgres.js, Kysely or Knex, or anything with query(text, values)`,
  );
}
