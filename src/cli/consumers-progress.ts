import { CommitcastError } from '../core/errors.ts';
import { sleep } from '../core/sleep.ts';
import { listConsumers, type ConsumerPartition } from '../consumer/list-consumers.ts';
import type { Executor } from '../db/executor.ts';
import { durationText, formatInteger } from './table.ts';

/** Between two looks. */
const lookMs = 500;
/** Between two lines where nobody can rewrite one. */
const lineMs = 5_000;

export interface ProgressOptions {
  db: Executor;
  name: string;
  /** Where it began. Default: before the oldest event kept. */
  after?: number;
  /** Aborts: the waiting ends, the consumer goes on. */
  signal: AbortSignal;
  /** A terminal gets one line that is rewritten. */
  stream: { write(text: string): unknown; isTTY?: boolean };
}

/**
 * Shows how far a consumer is, and returns when it has caught up: when all its partitions have come to where the log
 * ended one look ago, for events keep coming.
 *
 * @returns whether it has; `false`: the signal ended the waiting
 * @throws {CommitcastError} `CONSUMER_UNKNOWN`; `CONSUMER_FAILED` when a partition stands still
 */
export async function awaitCaughtUp(options: ProgressOptions): Promise<boolean> {
  const { db, name, after, signal, stream } = options;
  const began = performance.now();
  let shown = 0;
  let goal = Infinity;
  let last: { done: number; at: number } | undefined;
  while (!signal.aborted) {
    const parts = (await listConsumers(db)).filter((each) => each.name === name);
    const [first] = parts;
    if (!first) throw new CommitcastError('CONSUMER_UNKNOWN', `There is no consumer ${JSON.stringify(name)}`);
    const now = performance.now();
    const origin = after ?? first.floor - 1;
    const total = Math.max(first.head - origin, 0);
    const done = first.rebuildAsked ? 0 : Math.min(Math.max(middleOf(parts) - origin, 0), total);
    const caughtUp = !first.rebuildAsked && parts.every(({ position }) => position >= goal);
    const perSecond = last && now > last.at ? ((done - last.done) / (now - last.at)) * 1_000 : 0;
    const average = (done / Math.max(now - began, 1)) * 1_000;
    const rate = caughtUp ? average : Math.max(perSecond, 0);
    if (caughtUp || stream.isTTY || now - shown > lineMs) {
      write(stream, progressLine({ done, total, perSecond: rate, waitsFor: waitsFor(parts) }), caughtUp);
      shown = now;
    }
    if (caughtUp) return true;
    expectNoFailure(parts);
    goal = first.head;
    last = { done, at: now };
    await sleep(lookMs, signal);
  }
  if (stream.isTTY) stream.write('\n');
  return false;
}

export interface Progress {
  done: number;
  total: number;
  perSecond: number;
  waitsFor?: string | undefined;
}

/** `412,000 of 1,000,000 events (41 %), 62,000/s, 588,000 left (9.5 s)` */
export function progressLine({ done, total, perSecond, waitsFor: reason }: Progress): string {
  const percent = total === 0 ? 100 : Math.floor((done / total) * 100);
  const left = total - done;
  const time = perSecond >= 1 ? ` (${durationText(left / perSecond)})` : '';
  const line =
    `${formatInteger(done)} of ${formatInteger(total)} events (${percent} %), ${formatInteger(perSecond)}/s` +
    (left > 0 ? `, ${formatInteger(left)} left${time}` : '');
  return reason === undefined ? line : `${line}; ${reason}`;
}

function write(stream: ProgressOptions['stream'], line: string, isLast: boolean): void {
  // The rest of a longer line that stood there before is erased.
  stream.write(stream.isTTY ? `\r${line}\x1b[K${isLast ? '\n' : ''}` : `${line}\n`);
}

/** Each partition walks over the whole log. */
function middleOf(parts: readonly ConsumerPartition[]): number {
  return Math.floor(parts.reduce((sum, { position }) => sum + position, 0) / parts.length);
}

function waitsFor(parts: readonly ConsumerPartition[]): string | undefined {
  if (parts.some(({ paused }) => paused)) return 'it is paused';
  return parts.some(({ alive }) => alive) ? undefined : 'no worker runs it';
}

function expectNoFailure(parts: readonly ConsumerPartition[]): void {
  const failed = parts.find((each) => each.failed);
  // One that stood still before goes on when the rebuild begins.
  if (failed && !failed.rebuildAsked)
    throw new CommitcastError(
      'CONSUMER_FAILED',
      `Consumer ${failed.name}, partition ${failed.partition}, stands still at position ${failed.position}: ${failed.error ?? ''}`,
    );
}
