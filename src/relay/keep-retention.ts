import { Backoff } from '../core/backoff.ts';
import type { Logger } from '../core/logger.ts';
import { sleep } from '../core/sleep.ts';
import type { Connection } from '../db/connection.ts';
import { sqlStateOf } from '../db/sql-state.ts';
import { dropExpired, readFloor } from '../log/retention.ts';
import { DropReport } from './drop-report.ts';

const minIntervalMs = 100;
const maxIntervalMs = 60_000;
/** Of the time, at most a tenth goes into it: after a change of retention there may be hundreds of partitions to drop. */
const restFactor = 10;
/** Somebody else's lock was not to be had in time, or what was waited for took too long. */
const waits = new Set(['55P03', '57014', '40P01']);

export interface KeepRetentionOptions {
  /** Opens a connection for this alone: a drop waits for readers. */
  open: () => Promise<Connection>;
  retentionMs: number;
  logger: Logger;
  signal: AbortSignal;
}

/**
 * While leading: drops partition after partition of what is older than the retention, then rests for a tenth of the
 * retention, at most a minute. Nothing but itself waits when a drop does. Never rejects.
 */
export async function keepRetention(options: KeepRetentionOptions): Promise<void> {
  const { retentionMs, logger, signal } = options;
  const intervalMs = Math.min(maxIntervalMs, Math.max(minIntervalMs, retentionMs / 10));
  const backoff = new Backoff({ minMs: minIntervalMs, maxMs: maxIntervalMs });
  const report = new DropReport(logger);
  while (!signal.aborted) {
    let restMs = intervalMs;
    try {
      await dropAll(options, report);
      backoff.reset();
    } catch (error) {
      restMs = backoff.next();
      if (signal.aborted) break;
      if (waits.has(sqlStateOf(error) ?? ''))
        logger.info({ err: error }, 'retention waits for an open transaction; it is tried again');
      else logger.warn({ err: error }, 'retention failed; it is tried again');
    } finally {
      report.tell();
    }
    await sleep(restMs, signal);
  }
}

/** The connection is new each time: what a session lock is held by ends with it, however this goes wrong. */
async function dropAll(
  { open, retentionMs, signal }: KeepRetentionOptions,
  report: DropReport,
): Promise<void> {
  const connection = await open();
  const hangUp = () => void connection.close();
  signal.addEventListener('abort', hangUp, { once: true });
  try {
    // A process that freezes in mid-drop must not keep the makers of partitions away.
    await connection.client.query(`set idle_session_timeout = '10s'`);
    report.begin(await readFloor(connection.client));
    while (!signal.aborted) {
      const began = performance.now();
      const dropped = await dropExpired(connection.client, retentionMs);
      if (dropped === undefined) return;
      report.add(await readFloor(connection.client));
      await sleep(Math.min((performance.now() - began) * restFactor, 5_000), signal);
    }
  } finally {
    signal.removeEventListener('abort', hangUp);
    await connection.close();
  }
}
