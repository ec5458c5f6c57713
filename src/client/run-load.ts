import { CodedError } from '../core/coded-error.ts';
import { epochOf, isCursor } from './cursor.ts';
import { delayBefore, maxTries } from './retry.ts';
import type { Load, LoadReason } from './subscription-state.ts';

export interface RunLoadOptions {
  reason: LoadReason;
  signal: AbortSignal;
  /** Loads in a row that came to nothing, because the server did not have what follows their cursor either. */
  inVain: number;
  /** Of the session. */
  epoch: () => string | undefined;
  onError: (error: unknown, tries: number) => void;
}

/** The cursor that the application has loaded; or why it could not, after the last try. `undefined`: of no use now. */
export async function runLoad(
  load: Load,
  { reason, signal, inVain, epoch, onError }: RunLoadOptions,
): Promise<{ cursor: string | undefined } | { error: unknown } | undefined> {
  if (inVain > 0) await delayBefore(inVain, signal);
  for (let tries = 1; !signal.aborted; tries++) {
    try {
      const cursor = (await load({ reason, signal })) ?? undefined;
      if (signal.aborted) return undefined;
      check(cursor, epoch());
      return { cursor };
    } catch (error) {
      if (signal.aborted) return undefined;
      onError(error, tries);
      if (tries === maxTries) return { error };
      await delayBefore(tries, signal);
    }
  }
  return undefined;
}

function check(cursor: unknown, epoch: string | undefined): void {
  if (cursor === undefined) return;
  if (!isCursor(cursor)) throw new CodedError('CURSOR_INVALID', 'A load returns a cursor, or nothing');
  // The database was restored a moment ago, and one of the two has not heard of it: the next try may fit.
  if (epochOf(cursor) !== epoch)
    throw new CodedError('CURSOR_INVALID', 'The cursor that was loaded is of another history');
}
