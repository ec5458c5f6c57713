import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import { useNow } from '../now.ts';
import type { Rate } from '../rate.ts';
import { useTheme } from '../theme/theme.ts';

const height = 40;

/** Events per second over the last minute. */
export function RateChart({ rate }: { rate: Rate }) {
  const root = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(undefined);
  const theme = useTheme();
  const now = useNow(1_000);
  const perSecond = rate.perSecond(now);
  const { times, counts } = rate.series(now);

  useEffect(() => {
    const element = root.current;
    if (!element) return undefined;
    const made = makeChart(element);
    chart.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    // The system's theme may change under it.
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const redraw = () => made.redraw();
    dark.addEventListener('change', redraw);
    return () => {
      resized.disconnect();
      dark.removeEventListener('change', redraw);
      made.destroy();
    };
  }, []);
  useEffect(() => chart.current?.redraw(), [theme]);
  useEffect(() => chart.current?.setData([times, counts]), [now]);

  return (
    <div className="rate">
      <dl className="stat">
        <dt>Events / s</dt>
        <dd data-testid="rate">{perSecond?.toFixed(1) ?? '–'}</dd>
      </dl>
      <div
        ref={root}
        className="rate-chart"
        role="img"
        aria-label={`Events per second over the last minute, at most ${Math.max(...counts)}`}
      />
    </div>
  );
}

function makeChart(element: HTMLElement): uPlot {
  // A canvas knows no custom properties: the element's own colour is asked for, at each drawing.
  const colour = () => getComputedStyle(element).color;
  const bars = uPlot.paths.bars?.({ size: [0.7], radius: 0.2 });
  return new uPlot(
    {
      width: Math.max(1, element.clientWidth),
      height,
      padding: [2, 0, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      axes: [{ show: false }, { show: false }],
      scales: { y: { range: (_chart, _min, max) => [0, Math.max(1, max)] } },
      series: [{}, { ...(bars ? { paths: bars } : {}), fill: colour, width: 0, points: { show: false } }],
    },
    [[], []],
    element,
  );
}
