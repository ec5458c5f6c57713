import { sleep } from '../core/sleep.ts';

/** A handler, or a load, is tried so often before its subscription counts as failed. */
export const maxTries = 5;

const minMs = 100;
const maxMs = 5_000;

export interface RetryOptions {
  /** Nobody wants the result any more. */
  signal: AbortSignal;
  onError: (error: unknown, tries: number) => void;
}

/** What came of it; or why it did not, after the last try. `undefined`: nobody wants it any more. */
export type Tried<Result> = { readonly result: Result } | { readonly error: unknown };

/** Waits before the next try: longer each time, with full jitter; see "Exponential Backoff and Jitter" (AWS, 2015). */
export function delayBefore(tries: number, signal: AbortSignal): Promise<void> {
  return sleep(Math.random() * Math.min(maxMs, minMs * 2 ** tries), signal);
}

/** Tries again after an error, until it works, or the last try has failed. */
export async function tryAgain<Result>(
  attempt: () => Result | Promise<Result>,
  error: unknown,
  { signal, onError }: RetryOptions,
): Promise<Tried<Result> | undefined> {
  for (let tries = 1; ; tries++) {
    onError(error, tries);
    if (tries === maxTries) return { error };
    await delayBefore(tries, signal);
    if (signal.aborted) return undefined;
    try {
      return { result: await attempt() };
    } catch (thrown) {
      if (signal.aborted) return undefined;
      error = thrown;
    }
  }
}
