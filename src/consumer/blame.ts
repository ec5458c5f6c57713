import { CommitcastError } from '../core/errors.ts';
import { isUnreachable, sqlStateOf } from '../db/sql-state.ts';
import { FencedError } from './checkpoint.ts';
import { StrangeEpochError } from './read-next.ts';

/** Serialization failure, deadlock, a lock or a statement that took too long: others were in the way. */
const passing = new Set(['40001', '40P01', '55P03', '57014']);

/**
 * Whether the handler or its events are to blame: not a database that is away, nor others that were in the way. They are
 * for a connection that was lost after so long that the server has ended it: the handler did nothing with it.
 */
export function isToBlame(error: unknown, began = Infinity, idleTimeoutMs = Infinity): boolean {
  if (error instanceof FencedError || error instanceof StrangeEpochError || isExpired(error)) return false;
  if (performance.now() - began >= idleTimeoutMs) return true;
  return !causesOf(error).some((cause) => isUnreachable(cause) || passing.has(sqlStateOf(cause) ?? ''));
}

/** The error, and what it was thrown for: libraries wrap those of the driver. */
function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = [];
  for (let cause = error; cause instanceof Error && causes.length < 5; { cause } = cause) causes.push(cause);
  return causes.length > 0 ? causes : [error];
}

/** What comes next for the consumer is no longer kept. */
export function isExpired(error: unknown): error is CommitcastError {
  return error instanceof CommitcastError && error.code === 'HISTORY_EXPIRED';
}

/** What is kept of an error, for the operator. */
export function errorText(error: unknown): string {
  return causesOf(error)
    .map((cause) =>
      (cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)).slice(0, 1_000),
    )
    .join('\ncaused by ')
    .slice(0, 2_000);
}
