import { CommitcastError } from '../core/errors.ts';
import { isUnreachable, sqlStateOf } from '../db/sql-state.ts';
import { FencedError } from './checkpoint.ts';
import { StrangeEpochError } from './handle-page.ts';

/** Serialization failure, deadlock, a lock or a statement that took too long: others were in the way. */
const passing = new Set(['40001', '40P01', '55P03', '57014']);

/** Whether the handler or its events are to blame: not a database that is away, nor others that were in the way. */
export function isToBlame(error: unknown): boolean {
  if (error instanceof FencedError || error instanceof StrangeEpochError || isExpired(error)) return false;
  return !isUnreachable(error) && !passing.has(sqlStateOf(error) ?? '');
}

/** What comes next for the consumer is no longer kept. */
export function isExpired(error: unknown): error is CommitcastError {
  return error instanceof CommitcastError && error.code === 'HISTORY_EXPIRED';
}

/** What is kept of an error, for the operator. */
export function errorText(error: unknown): string {
  return (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).slice(0, 2_000);
}
