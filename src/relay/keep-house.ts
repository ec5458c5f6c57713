import { Backoff } from '../core/backoff.ts';
import type { Logger } from '../core/logger.ts';
import { sleep } from '../core/sleep.ts';
import type { Connection } from '../db/connection.ts';
import { clearOutbox } from '../log/clear-outbox.ts';
import { forgetKeys } from '../log/forget-keys.ts';
import { hasPartitionsAhead, makePartitions } from '../log/partitions.ts';
import { sweepErasures } from '../log/sweep-erasures.ts';
import { sweepRevocations } from '../log/sweep-revocations.ts';

const intervalMs = 1_000;
/** Of the time, at most a tenth goes into it: an old open transaction can make emptying the outbox slow. */
const restFactor = 10;
/** Positions between two looks at the partitions; half of the smallest partition, so that two always lie ahead. */
const partitionStride = 65_536;
/** Between two looks for keys to forget; a tenth of their retention if that is less. */
const maxForgetIntervalMs = 3_600_000;
/** Between two looks for revocations that newer ones have taken the place of. */
const revocationIntervalMs = 3_600_000;

export interface KeepHouseOptions {
  /** Opens a connection for this alone: how long it takes must decide nothing else. */
  open: () => Promise<Connection>;
  head: () => number;
  /** How long keys are kept. Without it: for ever. */
  keyRetentionMs?: number | undefined;
  logger: Logger;
  signal: AbortSignal;
}

/**
 * While leading: empties the outbox when there was traffic, makes partitions ahead, forgets keys that are past their
 * retention, and revocations that say nothing any more. Never rejects.
 */
export async function keepHouse(options: KeepHouseOptions): Promise<void> {
  const { open, head, keyRetentionMs = Infinity, logger, signal } = options;
  const backoff = new Backoff({ minMs: intervalMs, maxMs: 30_000 });
  let connection: Connection | undefined;
  let cleared = -1;
  let swept = -1;
  let partitioned = -partitionStride;
  // At once: a leader may never lead for an hour.
  let forgetAt = keyRetentionMs === Infinity ? Infinity : 0;
  let revocationsAt = 0;
  const hangUp = () => void connection?.close();
  signal.addEventListener('abort', hangUp, { once: true });

  while (!signal.aborted) {
    const began = performance.now();
    const at = head();
    try {
      connection ??= await open();
      if (at !== cleared) await clearOutbox(connection.client);
      cleared = at;
      // After the outbox: then nothing is left there, either, of what was said before the erasure.
      if (at !== swept) swept = (await sweepErasures(connection.client)) ? at : -1;
      if (at - partitioned >= partitionStride) {
        const made = await makePartitions(connection.client);
        if (made > 0) logger.info({ made }, 'partitions of the log were made');
        // Somebody else may have held what it takes: then it is tried again at once, not only at the next stride.
        if (await hasPartitionsAhead(connection.client, at)) partitioned = at;
      }
      // A batch a round: to forget many makes nothing else wait for long.
      if (performance.now() >= forgetAt && (await forgetKeys(connection.client, keyRetentionMs)))
        forgetAt = performance.now() + Math.min(maxForgetIntervalMs, keyRetentionMs / 10);
      if (performance.now() >= revocationsAt && (await sweepRevocations(connection.client)))
        revocationsAt = performance.now() + revocationIntervalMs;
      backoff.reset();
      await sleep(Math.max(intervalMs, (performance.now() - began) * restFactor), signal);
    } catch (error) {
      if (!signal.aborted) logger.warn({ err: error }, 'housekeeping failed; it is tried again');
      await connection?.close();
      connection = undefined;
      await sleep(backoff.next(), signal);
    }
  }
  signal.removeEventListener('abort', hangUp);
  await connection?.close();
}
