import { inTime, sleep } from '../core/sleep.ts';
import type { Executor } from '../db/executor.ts';
import { saveRelayState } from '../log/relay-state.ts';

const intervalMs = 1_000;
/** A leader's connection that does not answer for so long is given up. */
const patienceMs = 5_000;

export interface KeepStateOptions {
  /** The leader's connection: that it answers is what keeps the leader. */
  db: Executor;
  instanceId: string;
  head: () => number;
  /** Says where the head is although nothing new came, in case the last doorbell was lost. */
  heartbeat: () => void;
  signal: AbortSignal;
}

/** Once a second, and at the end: saves the published position, and tells it. */
export async function keepState({
  db,
  instanceId,
  head,
  heartbeat,
  signal,
}: KeepStateOptions): Promise<void> {
  const save = () => inTime(saveRelayState(db, { leader: instanceId, published: head() }), patienceMs);
  while (!signal.aborted) {
    await save();
    heartbeat();
    await sleep(intervalMs, signal);
  }
  await save();
}
