import type { Releasers } from '../../../src/core/service.ts';

/** One row of the table of benchmarks: the same work done in several ways, and what is hoped for of their ratios. */
export interface Row {
  /** Its number in the table, from 1 on. */
  number: number;
  title: string;
  /** What one round does with each variant, in a sentence or two, for the page. */
  method: string;
  /** By name of a value. The first is the one that is plotted. */
  metrics: Record<string, Metric>;
  variants: readonly Variant[];
  goals: readonly Goal[];
}

export interface Metric {
  label: string;
  /** Such as `ms`, `/s`, `µs` or `MiB`. */
  unit: string;
}

export interface Variant {
  /** Unique within the row: `commitcast`, `commitcast, 1 client`, `ws`, `graphile-worker`. */
  name: string;
  kind: 'ours' | 'floor' | 'peer';
  /** Also in a run that is not `--full`: ours, the floors, and the strongest peer. */
  always: boolean;
  /** Why it cannot be measured on this machine; asked once, before the first round. */
  unavailable?: () => Promise<string | undefined>;
  /** One measurement, from nothing to nothing: whatever it starts, it hands to `bench.releasers`. */
  measure: (bench: Bench) => Promise<Measurement>;
}

/** What is hoped for: a value of one variant against the same value of another, of the same round. */
export interface Goal {
  /** As it stands in the table: `p50 ≤ 1.5 × the floor`. */
  text: string;
  metric: string;
  of: string;
  /** Names of variants; with several, the best of those that were measured. Absent: the value itself is judged. */
  against?: readonly string[];
  atMost?: number;
  atLeast?: number;
}

export interface Measurement {
  /** By name of a metric. */
  values: Record<string, number>;
  /** What every client got: a measurement of ours counts only if all three are 0. */
  missed: number;
  doubled: number;
  disordered: number;
  /** What should be known of it, such as a peer that gave up. */
  note?: string;
}

/** `smoke`: for correctness, in a few seconds; `short`: for three rounds in half an hour; `full`: for a night. */
export type Size = 'smoke' | 'short' | 'full';

/** What a measurement may use. */
export interface Bench {
  size: Size;
  /** A Postgres that is shared by the run, settings as they come, fsync on: a database of the measurement's own in it. */
  database: (name: string) => Promise<string>;
  /** An empty folder. */
  folder: () => Promise<string>;
  /** Released, in reverse order, when the measurement is over, however it ends. */
  releasers: Releasers;
  /** Core of Postgres and of what is measured, and core of the load; `undefined` where there is only one, or no `taskset`. */
  cores: { server: number | undefined; load: number | undefined };
  /** Says what is being done, for whoever waits. */
  progress: (text: string) => void;
}

/** Its arguments, by size. */
export function sized<Value>({ size }: Pick<Bench, 'size'>, values: Record<Size, Value>): Value {
  return values[size];
}
