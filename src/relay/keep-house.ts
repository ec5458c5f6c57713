import { Backoff } from '../core/backoff.ts';
import type { Logger } from '../core/logger.ts';
import { sleep } from '../core/sleep.ts';
import type { Connection } from '../db/connection.ts';
import { clearOutbox } from '../log/clear-outbox.ts';
import { hasPartitionsAhead, makePartitions } from '../log/partitions.ts';

const intervalMs = 1_000;
/** Of the time, at most a tenth goes into it: an old open transaction can make emptying the outbox slow. */
const restFactor = 10;
/** Positions between two looks at the partitions; half of the smallest partition, so that two always lie ahead. */
const partitionStride = 65_536;

export interface KeepHouseOptions {
  /** Opens a connection for this alone: how long it takes must decide nothing else. */
  open: () => Promise<Connection>;
  head: () => number;
  logger: Logger;
  signal: AbortSignal;
}

/** While leading: empties the outbox when there was traffic, and makes partitions ahead. Never rejects. */
export async function keepHouse({ open, head, logger, signal }: KeepHouseOptions): Promise<void> {
  const backoff = new Backoff({ minMs: intervalMs, maxMs: 30_000 });
  let connection: Connection | undefined;
  let cleared = -1;
  let partitioned = -partitionStride;
  const hangUp = () => void connection?.close();
  signal.addEventListener('abort', hangUp, { once: true });

  while (!signal.aborted) {
    const began = performance.now();
    const at = head();
    try {
      connection ??= await open();
      if (at !== cleared) await clearOutbox(connection.client);
      cleared = at;
      if (at - partitioned >= partitionStride) {
        const made = await makePartitions(connection.client);
        if (made > 0) logger.info({ made }, 'partitions of the log were made');
        // Somebody else may have held what it takes: then it is tried again at once, not only at the next stride.
        if (await hasPartitionsAhead(connection.client, at)) partitioned = at;
      }
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
