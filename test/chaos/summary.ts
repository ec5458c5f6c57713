import type { ChaosResult } from './chaos.ts';
import type { ChaosOptions } from './options.ts';
import { promises, type Verdict } from './judge.ts';

/** Of one kind of fault. Milliseconds; of faults alone, with no other going on. */
export interface KindSummary {
  kind: string;
  count: number;
  /** How many were alone, and so give the times. */
  alone: number;
  p50Ms: number | undefined;
  maxMs: number | undefined;
  goalMs: number | undefined;
  /** The worst, of the instance that had the fault, from when that was ended. */
  returnMs: number | undefined;
}

/** What is written as JSON: the whole of a run but its single pulses. */
export interface Summary extends Omit<ChaosResult, 'kinds' | 'pulses' | 'verdict'>, Verdict {
  seed: number;
  date: string;
  options: Pick<
    ChaosOptions,
    'seconds' | 'clients' | 'writers' | 'rate' | 'adapter' | 'continuity' | 'atomic' | 'overlap'
  >;
  ok: boolean;
  kinds: KindSummary[];
  pulse: { sent: number; p50Ms: number; p99Ms: number; maxMs: number };
}

export function summarise(options: ChaosOptions, result: ChaosResult, date: Date): Summary {
  const { kinds, pulses, verdict, ...rest } = result;
  const { seconds, clients, writers, rate, adapter, continuity, atomic, overlap } = options;
  const latencies = pulses.flatMap(latencyOf).sort((a, b) => a - b);
  return {
    seed: options.seed,
    date: date.toISOString(),
    options: { seconds, clients, writers, rate, adapter, continuity, atomic, overlap },
    ok:
      promises.every((promise) => verdict.counts[promise] === 0) &&
      rest.problems.length === 0 &&
      rest.leftovers.excess.length === 0,
    ...verdict,
    ...rest,
    kinds: kinds.map(({ name, goalMs }) => {
      const faults = rest.faults.filter(({ kind }) => kind === name);
      const alone = faults.filter(({ overlapped }) => !overlapped);
      const times = numbers(alone.map(({ recoveryMs }) => recoveryMs)).sort((a, b) => a - b);
      const returns = numbers(alone.map(({ returnMs }) => returnMs));
      return {
        kind: name,
        count: faults.length,
        alone: alone.length,
        p50Ms: quantile(times, 0.5),
        maxMs: times.at(-1),
        goalMs,
        returnMs: returns.length > 0 ? Math.max(...returns) : undefined,
      };
    }),
    pulse: {
      sent: pulses.length,
      p50Ms: quantile(latencies, 0.5) ?? 0,
      p99Ms: quantile(latencies, 0.99) ?? 0,
      maxMs: latencies.at(-1) ?? 0,
    },
  };
}

/** From the answer to COMMIT to the client of each instance; a client may be faster than the answer. */
export function latencyOf({ committed, arrived }: ChaosResult['pulses'][number]): number[] {
  if (committed === undefined) return [];
  return numbers(arrived).map((at) => Math.max(at - committed, 0));
}

export function formatSummary(summary: Summary): string {
  const { options, looked, load, streams, crowd, pulse, leftovers, counts, examples } = summary;
  const rows = summary.kinds.map(({ kind, count, alone, p50Ms, maxMs, goalMs, returnMs }) => {
    const over = maxMs !== undefined && goalMs !== undefined && maxMs > goalMs ? ' over' : '';
    return [kind, String(count), String(alone), ms(p50Ms), ms(maxMs), ms(goalMs) + over, ms(returnMs)];
  });
  const flat = ({
    heapMegabytes,
    handles,
    backends,
    ...rest
  }: typeof leftovers.before): Record<string, number | string> => ({
    ...rest,
    ...handles,
    ...backends,
    'heap MB': heapMegabytes.join(' '),
  });
  const [before, after] = [flat(leftovers.before), flat(leftovers.after)];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return [
    `Chaos run of ${summary.date}, seed ${summary.seed}: ${(summary.durationMs / 1_000).toFixed(0)} s, ` +
      `${options.clients} clients, ${options.writers} writers, 3 instances over ${options.adapter}` +
      (options.continuity ? '' : ', WITHOUT the continuity check') +
      (options.atomic ? '' : ', WITHOUT the transaction of the handlers'),
    '',
    table(['fault', 'count', 'alone', 'p50 ms', 'max ms', 'goal ms', 'own return ms'], rows),
    '',
    `transactions: ${load.committed} committed, ${load.rolledBack} rolled back, ${load.failed} failed as meant, ${load.unknown} cut off`,
    `streams: ${streams.appends} appends, ${streams.conflicts} version conflicts, ${streams.retries} retries by key, ${looked.versions} versions`,
    `clients: ${looked.clients} in all, ${crowd.connects} connects, ${crowd.cuts} cuts, ${looked.drops} drops, ${looked.revoked} revoked`,
    `doorbells: ${JSON.stringify(summary.disturbed)}`,
    `pulse: ${pulse.sent} events, from COMMIT to the client p50 ${pulse.p50Ms.toFixed(1)} ms, p99 ${pulse.p99Ms.toFixed(0)} ms, max ${pulse.maxMs.toFixed(0)} ms`,
    '',
    table(
      ['consumer', 'events', 'handed', 'rolled back', 'generations', 'poisoned', 'parked'],
      summary.consumers.map(({ name, ...rest }) => [
        name,
        ...(['events', 'handed', 'rolledBack', 'generations', 'poisoned', 'parked'] as const).map((count) =>
          String(rest[count]),
        ),
      ]),
    ),
    '',
    table(
      ['left open, three instances together', 'before', 'after'],
      names.map((name) => [name, String(before[name] ?? 0), String(after[name] ?? 0)]),
    ),
    '',
    `${looked.events} events, ${looked.facts} business facts, ${looked.deliveries} deliveries, ${looked.handled} handled: ` +
      promises.map((promise) => `${counts[promise]} ${promise}`).join(', '),
    ...Object.entries(examples).flatMap(([promise, found]) => found.map((text) => `  ${promise}: ${text}`)),
    ...leftovers.excess.map((text) => `  left open: ${text}`),
    ...summary.problems.map((text) => `  problem: ${text}`),
    summary.ok ? 'every promise was kept' : `NOT as promised; again with --seed ${summary.seed}`,
  ].join('\n');
}

function ms(value: number | undefined): string {
  return value === undefined ? '-' : value.toFixed(0);
}

function table(head: string[], rows: string[][]): string {
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: string[]) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

function numbers(values: readonly (number | undefined)[]): number[] {
  return values.filter((value) => value !== undefined);
}

function quantile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
