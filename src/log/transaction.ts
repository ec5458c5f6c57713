import { sql, type SQL } from 'drizzle-orm';
import { CommitcastError } from '../core/errors.ts';
import { rowsOf, type Executor } from '../db/executor.ts';
import { fromDatabaseError } from '../db/sql-state.ts';
import { answeredRows } from './answered-rows.ts';
import { driverQueryOf, type DriverTransaction } from './driver-executors.ts';

/** Any drizzle transaction over Postgres. */
export interface DrizzleTransaction {
  // The result's form is the driver's: `{ rows }` over pg, an array over postgres.js.
  execute(query: SQL): PromiseLike<unknown>;
}

/** Anything that runs one parameterised statement, and answers with `{ rows }`, as `pg` does, or with the rows. */
export interface Queryable {
  query(text: string, values?: unknown[]): PromiseLike<{ rows: unknown[] } | unknown[]>;
}

/** The transaction that an event belongs to. */
export type Transaction = Queryable | DrizzleTransaction | DriverTransaction;

/**
 * Runs one statement inside the caller's transaction; the parts of the text stand around the values.
 *
 * @throws {CommitcastError} for what the guards of the database refuse, and `TRANSACTION_INVALID` for what is no transaction;
 *   other errors as they are
 */
export async function rowsIn<Row>(
  tx: Transaction,
  parts: readonly string[],
  values: readonly unknown[],
): Promise<Row[]> {
  try {
    const text = parts.reduce((before, part, index) => `${before}$${index}${part}`);
    return await rowsOf<Row>(executorOf(tx), text, [...values]);
  } catch (error) {
    throw fromDatabaseError(error);
  }
}

/**
 * The caller's transaction or database as what the operations of the log run on; `$1`, `$2` … stand for the values.
 *
 * @throws {CommitcastError} `TRANSACTION_INVALID` for what is none of them
 */
export function executorOf(tx: Transaction): Executor {
  const query = queryOf(tx);
  return { query: async (text, values) => ({ rows: answeredRows(text, await query(text, values)) }) };
}

type Query = (text: string, values?: unknown[]) => PromiseLike<unknown>;

function queryOf(tx: Transaction): Query {
  // drizzle's `query` is an object of relations, not a function.
  if (has<Queryable>(tx, 'query')) return (text, values) => tx.query(text, values);
  if (has<DrizzleTransaction>(tx, 'execute')) return (text, values) => tx.execute(statement(text, values));
  return driverQueryOf(tx) ?? refuse(tx);
}

function has<Kind extends Transaction>(tx: unknown, method: keyof Kind): tx is Kind {
  return typeof (tx as Partial<Kind> | null | undefined)?.[method] === 'function';
}

function statement(text: string, values: unknown[] = []): SQL {
  const parts = text
    .split(/\$(\d+)/)
    // As one parameter: drizzle takes an array for a list of them.
    .map((part, index) => (index % 2 === 0 ? sql.raw(part) : sql`${sql.param(values[Number(part) - 1])}`));
  return sql.join(parts);
}

/** In plain JavaScript it may be anything; most of the time a promise that was not awaited, or nothing at all. */
function refuse(tx: unknown): never {
  throw new CommitcastError(
    'TRANSACTION_INVALID',
    `${tx === null ? 'null' : typeof tx} is no transaction: give the one of drizzle, pg, postgres.js, Kysely or Knex, or anything with query(text, values)`,
  );
}
