import { sleep } from '../core/sleep.ts';

const intervalMs = 1_000;

export interface KeepStateOptions {
  /** Saves the published position, and counts. Returns the epoch in force, or `undefined` when somebody else leads. */
  save: (published: number) => Promise<string | undefined>;
  /** The epoch that is led. */
  epoch: string;
  head: () => number;
  /** Says where the head is although nothing new came, in case the last doorbell was lost. */
  heartbeat: () => void;
  signal: AbortSignal;
}

/**
 * Once a second, and at the end: saves the published position, and tells it. Returns when the signal aborts, or when
 * leading is over because somebody else leads, or the epoch is another one.
 */
export async function keepState({ save, epoch, head, heartbeat, signal }: KeepStateOptions): Promise<void> {
  while (!signal.aborted) {
    if ((await save(head())) !== epoch) return;
    heartbeat();
    await sleep(intervalMs, signal);
  }
  await save(head());
}
