import { readFile } from 'node:fs/promises';
import type { Goal, Measurement, Metric, Row, Size, Variant } from './row.ts';
import type { Machine } from './machine.ts';

/** What one measurement came to. */
export type Outcome = Measurement | { failed: string };

export interface VariantResult {
  name: string;
  kind: Variant['kind'];
  unavailable?: string;
  /** In the order of the rounds. */
  rounds: Outcome[];
}

/** Over the rounds. */
export interface Spread {
  median: number;
  min: number;
  max: number;
}

export interface Judgement extends Goal {
  verdict: 'met' | 'missed' | 'not measured' | 'not counted';
  /** The ratio, or the value itself where there is nothing to compare it with. */
  spread?: Spread;
}

/** A row of `results.json`: all that is known of it, so that any figure can be computed again. */
export interface RowResult extends Pick<Row, 'number' | 'title' | 'method' | 'metrics'> {
  metrics: Record<string, Metric>;
  run: Run;
  machine: Machine;
  variants: VariantResult[];
  goals: Judgement[];
  /** Why the row does not count; empty when it does. */
  problems: string[];
}

export interface Run {
  /** ISO 8601, of the end of the row. */
  date: string;
  commit: string;
  size: Size;
  rounds: number;
  /** Of what was compared, by name. */
  versions: Record<string, string>;
}

export function isMeasurement(outcome: Outcome | undefined): outcome is Measurement {
  return outcome !== undefined && !('failed' in outcome);
}

export function valuesOf({ rounds }: VariantResult, metric: string): number[] {
  return rounds.flatMap((outcome) => (isMeasurement(outcome) ? (outcome.values[metric] ?? []) : []));
}

/** The results so far with these in place of older ones of the same rows, by number. */
export function mergeResults(old: readonly RowResult[], fresh: readonly RowResult[]): RowResult[] {
  const rows = new Map([...old, ...fresh].map((row) => [row.number, row]));
  return [...rows.values()].toSorted((a, b) => a.number - b.number);
}

/** None when there is no file; one that cannot be read is an error, lest it be overwritten. */
export async function readResults(file: string): Promise<RowResult[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{"rows":[]}';
    throw error;
  });
  return (JSON.parse(text) as { rows: RowResult[] }).rows;
}
