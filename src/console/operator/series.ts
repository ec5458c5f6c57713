import type { StatusSample } from '../../core/status.ts';

/** For a chart: moments in seconds since 1970, rising; `null` where nothing is known. */
export interface Series {
  readonly times: number[];
  readonly values: (number | null)[];
}

export interface Figures {
  readonly now: number | null;
  readonly mean: number | null;
  readonly peak: number | null;
}

/** The window of the charts: what an instance remembers. */
export const windowSeconds = 300;
const recentMs = 10_000;

/** Positions per second between each two samples, as the log grew. */
export function rateSeries(samples: readonly StatusSample[], at: number): Series {
  const values = samples.map(({ head, agoMs }, index) => {
    const before = samples[index - 1];
    if (!before || head === null || before.head === null || before.agoMs <= agoMs) return null;
    return (Math.max(0, head - before.head) * 1_000) / (before.agoMs - agoMs);
  });
  return { times: timesOf(samples, at), values };
}

export function lagSeries(samples: readonly StatusSample[], at: number): Series {
  return { times: timesOf(samples, at), values: samples.map(({ lag }) => lag) };
}

/** Per second, over the last ten: a single sample would jump about. */
export function recentRate(samples: readonly StatusSample[]): number | null {
  const known = samples.filter(({ head, agoMs }) => head !== null && agoMs <= recentMs + 1_000);
  const [first] = known;
  const last = known.at(-1);
  if (!first || !last || first.agoMs <= last.agoMs) return null;
  return (Math.max(0, (last.head ?? 0) - (first.head ?? 0)) * 1_000) / (first.agoMs - last.agoMs);
}

/** The least that the instance was behind in the last ten seconds; `null` when there are too few samples to say. */
export function steadyLag(samples: readonly StatusSample[]): number | null {
  const recent = samples.filter(({ agoMs }) => agoMs <= recentMs + 1_000);
  const lags = recent.map(({ lag }) => lag).filter((lag) => lag !== null);
  return lags.length >= 4 && lags.length === recent.length ? Math.min(...lags) : null;
}

export function figuresOf({ values }: Series): Figures {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return { now: null, mean: null, peak: null };
  const sum = known.reduce((total, value) => total + value, 0);
  return { now: values.at(-1) ?? null, mean: sum / known.length, peak: Math.max(...known) };
}

function timesOf(samples: readonly StatusSample[], at: number): number[] {
  return samples.map(({ agoMs }) => (at - agoMs) / 1_000);
}
