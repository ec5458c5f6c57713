export const width = 200;
export const height = 40;
const inset = 3;
/** Readings that the width stands for at the least: a curve that has just begun is not to be a wall. */
const leastReadings = 13;
/** Degrees that the height stands for at the least: noise is not to look like a storm. */
const leastSpan = 4;

export interface Shape {
  /** Of a polyline. */
  readonly points: string;
  readonly end: { readonly x: number; readonly y: number };
  /** Of the limit, when it lies in what is shown. */
  readonly limit: number | undefined;
  readonly low: number;
  readonly high: number;
}

/** The curve of the last readings; `undefined` when there are none. */
export function shapeOf(series: readonly number[], limit: number | null): Shape | undefined {
  const last = series.at(-1);
  if (last === undefined) return undefined;
  const low = Math.min(...series);
  const high = Math.max(...series);
  const span = Math.max(high - low, leastSpan);
  const middle = (low + high) / 2;
  const y = (value: number) => round(height / 2 - ((value - middle) / span) * (height - 2 * inset));
  const step = (width - 2 * inset) / (Math.max(series.length, leastReadings) - 1);
  const start = width - inset - step * (series.length - 1);
  const points = series.map((value, index) => `${round(start + step * index)},${y(value)}`).join(' ');
  const at = limit === null ? undefined : y(limit);
  return {
    points,
    end: { x: width - inset, y: y(last) },
    limit: at !== undefined && at >= 0 && at <= height ? at : undefined,
    low,
    high,
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
