import { sleep } from '../core/sleep.ts';

/** A handler, or a load, is tried so often before its subscription counts as failed. */
export const maxTries = 5;

const minMs = 100;
const maxMs = 5_000;

/** Waits before the next try: longer each time, with full jitter; see "Exponential Backoff and Jitter" (AWS, 2015). */
export function delayBefore(tries: number, signal: AbortSignal): Promise<void> {
  return sleep(Math.random() * Math.min(maxMs, minMs * 2 ** tries), signal);
}
