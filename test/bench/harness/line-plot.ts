import type { Spread } from './results.ts';

/** Panels side by side, two in a row, which share what is varied. */
export interface LinePlot {
  title: string;
  x: { label: string; logarithmic: boolean };
  panels: readonly Panel[];
}

export interface Panel {
  title: string;
  /** Of the vertical axis, which is logarithmic where a linear one would show the large values alone. */
  unit: string;
  lines: readonly PlottedLine[];
}

export interface PlottedLine {
  label: string;
  kind: 'ours' | 'floor';
  dashed?: boolean;
  /** Rising; the median is drawn, with a whisker from the smallest to the largest. */
  points: readonly (Spread & { at: number })[];
}

const panelWidth = 430;
const panelHeight = 270;
const head = 50;
/** Within a panel: room for the title and the legend, for labels of the axes. */
const frame = { left: 58, right: 18, top: 50, bottom: 40 };
/** From here on a linear axis would press the small values to the ground. */
const logarithmicFrom = 20;

export function linePlot({ title, x, panels }: LinePlot): string {
  const width = panelWidth * Math.min(2, panels.length);
  const height = head + panelHeight * Math.ceil(panels.length / 2);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escape(title)}</title>`,
    `<style>${style}</style>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    `<text class="title" x="16" y="26">${escape(title)}</text>`,
    `<text class="axis" x="16" y="43">dot: median of the rounds, whisker: smallest to largest</text>`,
    ...panels.map(
      (panel, index) =>
        `<g transform="translate(${(index % 2) * panelWidth} ${head + Math.floor(index / 2) * panelHeight})">${drawPanel(panel, x)}</g>`,
    ),
    '</svg>',
    '',
  ].join('\n');
}

function drawPanel({ title, unit, lines }: Panel, x: LinePlot['x']): string {
  const spreads = lines.flatMap(({ points }) => points);
  const heading = `<text class="panel" x="16" y="20">${escape(title)}</text>`;
  if (spreads.length === 0) return `${heading}<text class="axis" x="16" y="40">not measured</text>`;
  const [right, bottom] = [panelWidth - frame.right, panelHeight - frame.bottom];
  const across = horizontal(
    [...new Set(spreads.map(({ at }) => at))],
    x.logarithmic,
    frame.left + 14,
    right - 14,
  );
  const up = vertical(spreads, bottom, frame.top + 6);
  const subtitle = [unit, up.logarithmic ? 'logarithmic axis' : ''].filter(Boolean).join(', ');
  return [
    heading,
    `<text class="axis" x="${right}" y="41" text-anchor="end">${escape(subtitle)}</text>`,
    ...up.ticks.map(
      (tick) =>
        `<line class="grid" x1="${frame.left}" x2="${right}" y1="${up.y(tick)}" y2="${up.y(tick)}"/>` +
        `<text class="axis" x="${frame.left - 6}" y="${up.y(tick) + 4}" text-anchor="end">${labelOf(tick)}</text>`,
    ),
    `<line class="base" x1="${frame.left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>`,
    ...across.ticks.map(
      (tick) =>
        `<line class="base" x1="${across.x(tick)}" x2="${across.x(tick)}" y1="${bottom}" y2="${bottom + 4}"/>` +
        `<text class="axis" x="${across.x(tick)}" y="${bottom + 17}" text-anchor="middle">${labelOf(tick)}</text>`,
    ),
    `<text class="axis" x="${(frame.left + right) / 2}" y="${bottom + 33}" text-anchor="middle">${escape(x.label)}${x.logarithmic ? ' (logarithmic axis)' : ''}</text>`,
    ...lines.map((line, index) => `${drawLine(line, across.x, up.y)}${drawLegend(line, index)}`),
  ].join('\n');
}

type Place = (value: number) => number;

function drawLine({ kind, dashed, points }: PlottedLine, x: Place, y: Place): string {
  const classes = `${kind}${dashed ? ' dashed' : ''}`;
  const path = points
    .map(({ at, median }, index) => `${index === 0 ? 'M' : 'L'}${x(at)} ${y(median)}`)
    .join('');
  const marks = points.map(({ at, median, min, max }) => {
    const whisker = min === max ? '' : `<path class="whisker ${kind}" d="M${x(at)} ${y(min)}V${y(max)}"/>`;
    return `${whisker}<circle class="${classes}" cx="${x(at)}" cy="${y(median)}" r="3.5"/>`;
  });
  return `<path class="line ${classes}" d="${path}"/>${marks.join('')}`;
}

function drawLegend({ label, kind, dashed }: PlottedLine, index: number): string {
  const x = frame.left + index * 115;
  const classes = `${kind}${dashed ? ' dashed' : ''}`;
  return (
    `<path class="line ${classes}" d="M${x} 37h24"/><circle class="${classes}" cx="${x + 12}" cy="37" r="3.5"/>` +
    `<text class="axis" x="${x + 30}" y="41">${escape(label)}</text>`
  );
}

/** The ticks are what was measured. */
function horizontal(ats: readonly number[], logarithmic: boolean, left: number, right: number) {
  const place = (at: number) => (logarithmic ? Math.log10(at) : at);
  const [least, most] = [place(Math.min(...ats)), place(Math.max(...ats))];
  const share = (at: number) => (most === least ? 0.5 : (place(at) - least) / (most - least));
  return { ticks: ats, x: (at: number) => round(left + share(at) * (right - left)) };
}

/** From zero, or between powers of ten. */
function vertical(spreads: readonly Spread[], bottom: number, top: number) {
  const most = Math.max(...spreads.map(({ max }) => max), 0) || 1;
  const least = Math.min(...spreads.map(({ min }) => min));
  const at = (share: number) => round(bottom - Math.min(1, Math.max(0, share)) * (bottom - top));
  // What is not above zero, such as the difference of two times that are alike, has no place on a logarithmic one.
  if (least <= 0 || most / least < logarithmicFrom) {
    const step = stepFor(most);
    const ticks = Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, index) => index * step);
    const end = ticks.at(-1) ?? most;
    return { logarithmic: false, ticks, y: (value: number) => at(value / end) };
  }
  const [first, last] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))];
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
  return { logarithmic: true, ticks, y: (value: number) => at((Math.log10(value) - first) / (last - first)) };
}

/** Of 1, 2 and 5 times a power of ten, the one that gives three to six steps. */
function stepFor(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most));
  return [0.2, 0.5, 1, 2].map((factor) => factor * power).find((step) => most / step <= 6) ?? 2 * power;
}

/** Short enough to stand beside its neighbours: 0.5, 100, 5k, 1M. */
function labelOf(tick: number): string {
  return tick.toLocaleString('en', { notation: 'compact', maximumSignificantDigits: 3 }).replace('K', 'k');
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

const style = `
  text { font: 13px system-ui, 'Liberation Sans', Arial, sans-serif; fill: #1d2733 }
  .title { font-size: 15px; font-weight: 600 } .panel { font-weight: 600 } .axis { font-size: 11px; fill: #55616e }
  .paper { fill: #fff } .grid { stroke: #e3e8ed } .base { stroke: #8b97a3 }
  .line { fill: none; stroke-width: 2; stroke-linejoin: round } .line.dashed { stroke-dasharray: 6 4 } .whisker { fill: none; stroke-width: 1.4 }
  path.ours { stroke: #2563eb } circle.ours { fill: #2563eb; stroke: #2563eb }
  path.floor { stroke: #7b8a9c } circle.floor { fill: #7b8a9c; stroke: #7b8a9c } circle.dashed { fill: #fff; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .axis { fill: #9aa7b4 } .paper { fill: #0d1117 } .grid { stroke: #232b34 } .base { stroke: #6b7783 }
    path.ours { stroke: #6b9bff } circle.ours { fill: #6b9bff; stroke: #6b9bff }
    path.floor { stroke: #94a3b8 } circle.floor { fill: #94a3b8; stroke: #94a3b8 } circle.dashed { fill: #0d1117 }
  }`;
