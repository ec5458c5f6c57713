import type { Logger } from '../core/logger.ts';
import { sleep } from '../core/sleep.ts';
import type { Executor } from '../db/executor.ts';
import { clearOutbox } from '../log/clear-outbox.ts';
import { makePartitions } from '../log/partitions.ts';
import { saveRelayState } from '../log/relay-state.ts';

const intervalMs = 1_000;
/** Positions between two looks at the partitions; half of the smallest partition, so that two always lie ahead. */
const partitionStride = 65_536;
/** A leader's connection that does not answer for so long is given up. */
const patienceMs = 5_000;

export interface KeepStateOptions {
  /** The leader's connection: that it answers is what keeps the leader. */
  db: Executor;
  instanceId: string;
  head: () => number;
  /** Says where the head is although nothing new came, in case the last doorbell was lost. */
  heartbeat: () => void;
  logger: Logger;
  signal: AbortSignal;
}

/** Once a second, and at the end: saves the published position, tells it, empties the outbox when there was traffic, makes partitions ahead. */
export async function keepState({
  db,
  instanceId,
  head,
  heartbeat,
  logger,
  signal,
}: KeepStateOptions): Promise<void> {
  let cleared = -1;
  let partitioned = -partitionStride;
  const save = () => inTime(saveRelayState(db, { leader: instanceId, published: head() }));
  while (!signal.aborted) {
    const published = head();
    await save();
    heartbeat();
    if (published !== cleared) {
      await inTime(clearOutbox(db));
      cleared = published;
    }
    if (published - partitioned >= partitionStride) {
      const made = await inTime(makePartitions(db));
      if (made > 0) logger.info({ made }, 'partitions of the log were made');
      partitioned = published;
    }
    await sleep(intervalMs, signal);
  }
  await save();
}

async function inTime<Result>(work: Promise<Result>): Promise<Result> {
  const patience = new AbortController();
  const late = sleep(patienceMs, patience.signal).then(() => {
    throw new Error(`the leader's connection did not answer for ${patienceMs} ms`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    // `late` now throws with nobody to hear it.
    late.catch(() => undefined);
    patience.abort();
  }
}
