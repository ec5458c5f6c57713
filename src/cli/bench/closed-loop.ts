import { createHistogram, performance, type RecordableHistogram } from 'node:perf_hooks';
import type { Client } from 'pg';

/** The longest time that is told apart, in microseconds. */
const highest = 120_000_000;

/** Milliseconds. */
export interface Times {
  p50: number;
  p99: number;
  max: number;
}

export interface Throughput {
  perSecond: number;
  times: Times;
  /** Share of the time in which this process had work: near 1, it was the limit, and not the database. */
  clientBusy: number;
}

export interface LoopOptions {
  clients: readonly Client[];
  seconds: number;
  signal: AbortSignal;
  transact: (client: Client) => Promise<unknown>;
}

/** Each client begins its next transaction when the one before has ended. */
export async function runClosedLoop({
  clients,
  seconds,
  signal,
  transact,
}: LoopOptions): Promise<Throughput> {
  const times = createTimes();
  const idle = performance.eventLoopUtilization();
  const began = performance.now();
  const end = began + seconds * 1_000;
  await allOf(
    clients.map(async (client) => {
      for (let from = began; from < end && !signal.aborted;) {
        await transact(client);
        const now = performance.now();
        record(times, now - from);
        from = now;
      }
    }),
  );
  signal.throwIfAborted();
  const elapsedMs = performance.now() - began;
  const clientBusy = performance.eventLoopUtilization(idle).utilization;
  return { perSecond: (times.count / elapsedMs) * 1_000, times: timesOf(times), clientBusy };
}

/** An HDR histogram: percentiles over all values, to three digits. */
export function createTimes(): RecordableHistogram {
  return createHistogram({ lowest: 1, highest, figures: 3 });
}

export function record(times: RecordableHistogram, ms: number): void {
  times.record(Math.min(Math.max(Math.round(ms * 1_000), 1), highest));
}

export function timesOf(times: RecordableHistogram): Times {
  return { p50: times.percentile(50) / 1_000, p99: times.percentile(99) / 1_000, max: times.max / 1_000 };
}

/** Waits for all, also when one of them fails: what still runs would be in the way of what takes the database down. */
export async function allOf(works: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(works)) if (result.status === 'rejected') throw result.reason;
}
