import { CodedError } from '../core/coded-error.ts';
import { epochOf, isCursor } from './cursor.ts';
import { delayBefore, tryAgain, type RetryOptions, type Tried } from './retry.ts';
import type { Load, LoadReason } from './subscription-state.ts';

export interface RunLoadOptions extends RetryOptions {
  reason: LoadReason;
  /** Loads in a row that came to nothing, because the server did not have what follows their cursor either. */
  inVain: number;
  /** Of the session. */
  received: () => string | undefined;
}

/** The cursor that the application has loaded. */
export async function runLoad(
  load: Load,
  { reason, inVain, received, ...options }: RunLoadOptions,
): Promise<Tried<string | undefined> | undefined> {
  const { signal } = options;
  if (inVain > 0) await delayBefore(inVain, signal);
  if (signal.aborted) return undefined;
  const attempt = async () => check(await load({ reason, signal }), received());
  try {
    return { result: await attempt() };
  } catch (error) {
    return signal.aborted ? undefined : tryAgain(attempt, error, options);
  }
}

function check(cursor: unknown, received: string | undefined): string | undefined {
  if (cursor === undefined || cursor === null) return undefined;
  // Of another history: the database was restored, and one of the two has not heard of it; the next try may fit.
  if (!isCursor(cursor) || received === undefined || epochOf(cursor) !== epochOf(received))
    throw new CodedError('CURSOR_INVALID', 'Not a cursor of this history');
  return cursor;
}
