import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef, useState } from 'react';
import uPlot from 'uplot';
import { useTheme } from '../theme/theme.ts';
import { secondOf } from '../words.ts';
import { Panel } from './panel.tsx';
import { compactOf } from './quantities.ts';
import { windowSeconds, type Series } from './series.ts';

const height = 148;
const minuteOf = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

interface ChartProps {
  title: string;
  testId: string;
  ink: 'accent' | 'violet';
  series: Series;
  /** End of the window, milliseconds since 1970. */
  until: number;
  /** Of a value that is pointed at. */
  format: (value: number) => string;
  /** What the chart shows, in a sentence. */
  summary: string;
  figures: string;
}

/** One line over the last five minutes, growing in from the right. */
export function Chart(props: ChartProps) {
  const { title, testId, ink, series, until, format, summary, figures } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const end = useRef(until);
  const [pointed, setPointed] = useState<number>();
  end.current = until;

  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const made = new uPlot(
      optionsOf(element, () => end.current / 1_000, setPointed),
      [[], []],
      element,
    );
    plot.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      made.destroy();
    };
  }, []);
  useEffect(() => {
    plot.current?.setData([series.times, series.values]);
  }, [series.times, series.values]);
  useRedrawWithTheme(plot);

  const at = pointed === undefined ? undefined : series.times[pointed];
  const value = pointed === undefined ? undefined : series.values[pointed];
  const isPointed = at !== undefined && value !== undefined && value !== null;
  return (
    <Panel
      title={title}
      testId={testId}
      aside={isPointed ? `${secondOf(at * 1_000)} · ${format(value)}` : figures}
    >
      <div className="operator-chart" role="img" aria-label={summary}>
        <div ref={place} data-chart-ink={ink}>
          <i data-probe="line" />
          <i data-probe="fill" />
          <i data-probe="text" />
          <i data-probe="grid" />
        </div>
      </div>
    </Panel>
  );
}

/** The canvas knows no custom properties: it asks for the colours again. */
function useRedrawWithTheme(plot: { current: uPlot | undefined }): void {
  const theme = useTheme();
  useEffect(() => {
    const redraw = () => plot.current?.redraw(false);
    const system = matchMedia('(prefers-color-scheme: dark)');
    redraw();
    system.addEventListener('change', redraw);
    return () => system.removeEventListener('change', redraw);
  }, [theme, plot]);
}

function optionsOf(
  element: HTMLElement,
  end: () => number,
  onPoint: (index: number | undefined) => void,
): uPlot.Options {
  const colour = (name: string) => () => {
    const probe = element.querySelector(`[data-probe="${name}"]`);
    return probe ? getComputedStyle(probe).color : 'transparent';
  };
  const font = `11px ${getComputedStyle(element).fontFamily}`;
  return {
    width: element.clientWidth,
    height,
    padding: [10, 14, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false },
      points: { size: 7, stroke: colour('line'), fill: colour('line') },
      sync: { key: 'commitcast-operator' },
    },
    scales: {
      x: { range: () => [end() - windowSeconds, end()] },
      // From 0, so that a line at the bottom is a small one.
      y: { range: (_plot, _min, max) => [0, Math.max(4, (max ?? 0) * 1.15)] },
    },
    axes: [
      {
        stroke: colour('text'),
        font,
        size: 28,
        gap: 6,
        space: 56,
        incrs: [60, 120, 300],
        values: (_plot, splits) => splits.map((seconds) => minuteOf.format(seconds * 1_000)),
        grid: { show: false },
        ticks: { stroke: colour('grid'), width: 1, size: 4 },
      },
      {
        stroke: colour('text'),
        font,
        size: 46,
        gap: 6,
        space: 32,
        values: (_plot, splits) => splits.map(compactOf),
        grid: { stroke: colour('grid'), width: 1 },
        ticks: { show: false },
      },
    ],
    series: [{}, { stroke: colour('line'), fill: colour('fill'), width: 1.5, points: { show: false } }],
    hooks: { setCursor: [({ cursor: { idx } }) => onPoint(idx ?? undefined)] },
  };
}
