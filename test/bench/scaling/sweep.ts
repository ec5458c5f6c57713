import type { Bench, Measurement, Metric } from '../harness/row.ts';

/** One quantity that grows, and what is seen while it does. */
export interface Sweep {
  /** For `--only`; name of its plot, and of its section on the page. */
  name: string;
  title: string;
  /** How a point is measured, in some sentences, for the page. */
  method: string;
  axis: { label: string; logarithmic: boolean };
  /** What is varied, rising. */
  points: Record<'smoke' | 'whole', readonly number[]>;
  /** By name of a value. A point may leave one out, which is then shown as not measured. */
  metrics: Record<string, Metric>;
  charts: readonly Chart[];
  /** Starts what serves all points; it is asked for them in rising order, then in falling order. */
  open: (bench: Bench) => Promise<(point: number) => Promise<Measurement>>;
}

/** Lines that have one axis. */
export interface Chart {
  title: string;
  unit: string;
  lines: readonly Line[];
}

export interface Line {
  metric: string;
  /** In the legend. */
  label: string;
  kind: 'ours' | 'floor';
  /** Tells it from another line of its kind. */
  dashed?: boolean;
}

/** Rates, lengths and counts that a smoke run has smaller. */
export function smaller<Value>({ size }: Pick<Bench, 'size'>, smoke: Value, whole: Value): Value {
  return size === 'smoke' ? smoke : whole;
}
