import { isUnreachable, sqlStateOf } from '../db/sql-state.ts';
import { FencedError, TransactionEndedError } from './checkpoint.ts';
import { ConsumerExpiredError, StrangeEpochError } from './read-next.ts';

/** The connection of the handler's transaction was lost while the handler was at work. */
export class LostConnectionError extends Error {
  override readonly name = 'LostConnectionError';
}

/** Serialization failure and deadlock, a lock or a statement that took too long, a server without room, or read-only. */
const passing = /^(?:40|53|58)|^(?:55P03|57014|25006)$/;

/** `before` the handler is called; while the `handler` works; `after` it, up to the commit. */
export type Stage = 'before' | 'handler' | 'after';

/**
 * Whether the handler or its events are to blame: not a database that is away, nor others that were in the way. They are
 * for a connection that was lost when it was `overdue`: the server has ended it, for nothing was done with it.
 */
export function isToBlame(error: unknown, stage: Stage, overdue: boolean): boolean {
  if (overdue && stage !== 'before' && !isFinal(error) && !(error instanceof FencedError)) return true;
  if (stage === 'before' || isOurs(error) || isPassing(error)) return false;
  return stage === 'handler' || !causesOf(error).some(isUnreachable);
}

/** What others in the database were to blame for, and may be gone at the next attempt. */
export function isPassing(error: unknown): boolean {
  return causesOf(error).some((cause) => passing.test(sqlStateOf(cause) ?? ''));
}

/** Only an operator can do something about it. */
export function isFinal(error: unknown): error is Error {
  return error instanceof ConsumerExpiredError || error instanceof TransactionEndedError;
}

function isOurs(error: unknown): boolean {
  const ours = [FencedError, StrangeEpochError, LostConnectionError];
  return isFinal(error) || ours.some((kind) => error instanceof kind);
}

/** The error, and what it was thrown for: libraries wrap those of the driver. */
function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = [];
  for (let cause = error; cause instanceof Error && causes.length < 5; { cause } = cause) causes.push(cause);
  return causes.length > 0 ? causes : [error];
}

/** What is kept of an error, for the operator: without the values of the statement that drizzle adds to its own. */
export function errorText(error: unknown): string {
  return causesOf(error)
    .map((cause) =>
      (cause instanceof Error
        ? `${cause.name}: ${cause.message.split('\nparams:', 1)[0]}`
        : String(cause)
      ).slice(0, 1_000),
    )
    .join('\ncaused by ')
    .slice(0, 2_000);
}
