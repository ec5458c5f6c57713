import { useMemo } from 'react';
import { countOf } from '../words.ts';
import { Chart } from './chart.tsx';
import { rateOf } from './quantities.ts';
import { figuresOf, lagSeries, rateSeries, type Figures } from './series.ts';
import type { Seen } from './use-status.ts';

const positionsOf = (value: number) => countOf(Math.round(value));

export function RateChart({ seen: { status, at } }: { seen: Seen }) {
  const series = useMemo(() => rateSeries(status.samples, at), [status, at]);
  const figures = figuresOf(series);
  return (
    <Chart
      title="Events per second"
      testId="chart-rate"
      ink="accent"
      series={series}
      until={at}
      format={(value) => `${rateOf(value)}/s`}
      summary={summaryOf('Events per second', figures, rateOf)}
      figures={figuresText(figures, rateOf)}
    />
  );
}

export function LagChart({ seen: { status, at } }: { seen: Seen }) {
  const series = useMemo(() => lagSeries(status.samples, at), [status, at]);
  const figures = figuresOf(series);
  return (
    <Chart
      title="Lag in positions"
      testId="chart-lag"
      ink="violet"
      series={series}
      until={at}
      format={(value) => `${positionsOf(value)} behind`}
      summary={summaryOf('Lag in positions', figures, positionsOf)}
      figures={figuresText(figures, positionsOf)}
    />
  );
}

function figuresText({ now, mean, peak }: Figures, format: (value: number) => string): string {
  if (mean === null || peak === null) return 'no samples yet';
  return `${now === null ? 'now not known' : `now ${format(now)}`} · mean ${format(mean)} · peak ${format(peak)}`;
}

/** For who does not see the chart. */
function summaryOf(name: string, { now, mean, peak }: Figures, format: (value: number) => string): string {
  if (mean === null || peak === null) return `${name}: no samples yet.`;
  const current = now === null ? 'not known now' : `now ${format(now)}`;
  return `${name} over the last 5 minutes: ${current}, on average ${format(mean)}, at most ${format(peak)}.`;
}
