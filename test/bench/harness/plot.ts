import { headOf } from './markdown.ts';
import { showSpread } from './numbers.ts';
import { spreadOf } from './ratios.ts';
import { valuesOf, type RowResult, type Spread } from './results.ts';

const width = 860;
const left = 250;
const right = 170;
const top = 56;
const lane = 30;
const bar = 16;
/** From here on a linear axis would show one bar and some dots. */
const logarithmicFrom = 50;

/** The first metric of a row: a bar for each variant's median, with a line from its smallest to its largest round. */
export function plot({ number, title, metrics, variants, problems }: RowResult): string {
  const [name = '', metric = { label: '', unit: '' }] = Object.entries(metrics)[0] ?? [];
  const bars = variants.map((variant) => ({ ...variant, spread: spreadOf(valuesOf(variant, name)) }));
  const spreads = bars.flatMap(({ spread }) => spread ?? []);
  const scale = scaleOf(spreads);
  const height = top + bars.length * lane + 34;
  const bottom = top + bars.length * lane;
  const grid = scale.ticks.map(
    (tick) =>
      `<line class="grid" x1="${scale.x(tick)}" x2="${scale.x(tick)}" y1="${top - 6}" y2="${bottom}"/>` +
      `<text class="axis" x="${scale.x(tick)}" y="${bottom + 16}" text-anchor="middle">${labelOf(tick)}</text>`,
  );
  const lanes = bars.map(({ name: variant, kind, spread }, index) => {
    const middle = top + index * lane + lane / 2;
    const label = `<text x="${left - 10}" y="${middle + 4}" text-anchor="end">${escape(shorten(variant))}</text>`;
    if (!spread) return `${label}<text class="axis" x="${left + 6}" y="${middle + 4}">not measured</text>`;
    const [low, high, end] = [scale.x(spread.min), scale.x(spread.max), scale.x(spread.median)];
    return [
      label,
      `<rect class="${kind}" x="${left}" y="${middle - bar / 2}" width="${round(Math.max(1, end - left))}" height="${bar}"/>`,
      spread.min === spread.max
        ? ''
        : `<path class="whisker" d="M${low} ${middle - 4}v8M${low} ${middle}H${high}M${high} ${middle - 4}v8"/>`,
      `<text class="value" x="${Math.max(end, high) + 8}" y="${middle + 4}">${showSpread(spread)}</text>`,
    ].join('');
  });
  const axis = `${headOf(metric)}${scale.logarithmic ? ' (logarithmic axis)' : ''}`;
  const mark = problems.length > 0 ? ' — not counted' : '';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escape(title)}</title>`,
    `<style>${style}</style>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    `<text class="title" x="16" y="24">${number}. ${escape(title)}${mark}</text>`,
    `<text class="axis" x="16" y="43">${escape(axis)} — bar: median of the rounds, line: smallest to largest</text>`,
    ...legend,
    ...grid,
    ...lanes,
    `<line class="base" x1="${left}" x2="${left}" y1="${top - 6}" y2="${bottom}"/>`,
    '</svg>',
    '',
  ].join('\n');
}

const legend = (['ours', 'floor', 'peer'] as const).map((kind, index) => {
  const x = width - 190 + index * 62;
  return `<rect class="${kind}" x="${x}" y="14" width="11" height="11"/><text class="axis" x="${x + 16}" y="24">${kind}</text>`;
});

interface Scale {
  logarithmic: boolean;
  ticks: number[];
  x: (value: number) => number;
}

function scaleOf(spreads: readonly Spread[]): Scale {
  const most = Math.max(...spreads.map(({ max }) => max), 0) || 1;
  const positive = spreads.map(({ min }) => min).filter((value) => value > 0);
  const least = Math.min(...positive, most);
  const plotWidth = width - left - right;
  if (most / least < logarithmicFrom) {
    const step = stepFor(most);
    // What is below zero, such as memory that was given back, is a bar of no length.
    const x = (value: number) => round(left + (Math.max(0, value) / most) * plotWidth);
    const ticks = Array.from({ length: Math.floor(most / step + 1e-9) + 1 }, (_, index) => index * step);
    return { logarithmic: false, ticks, x };
  }
  const first = Math.floor(Math.log10(least) - 0.1);
  const last = Math.log10(most);
  const at = (value: number) => Math.max(0, (Math.log10(value) - first) / (last - first));
  const ticks = Array.from({ length: Math.floor(last) - first + 1 }, (_, index) => 10 ** (first + index));
  return { logarithmic: true, ticks, x: (value) => round(left + (value > 0 ? at(value) : 0) * plotWidth) };
}

/** Of 1, 2 and 5 times a power of ten, the one that gives three to seven ticks. */
function stepFor(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most));
  return [0.2, 0.5, 1, 2].map((factor) => factor * power).find((step) => most / step <= 7) ?? 2 * power;
}

function labelOf(tick: number): string {
  return tick.toLocaleString('en', { maximumSignificantDigits: 3 });
}

function shorten(text: string): string {
  return text.length > 34 ? `${text.slice(0, 33)}…` : text;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

const style = `
  text { font: 13px system-ui, 'Liberation Sans', Arial, sans-serif; fill: #1d2733 }
  .title { font-size: 15px; font-weight: 600 } .axis { font-size: 11px; fill: #55616e } .value { font-size: 11px }
  .paper { fill: #fff } .grid { stroke: #e3e8ed } .base { stroke: #8b97a3 }
  .ours { fill: #2563eb } .floor { fill: #94a3b8 } .peer { fill: #d08745 } .whisker { fill: none; stroke: #111827; stroke-width: 1.4 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .axis { fill: #9aa7b4 } .paper { fill: #0d1117 } .grid { stroke: #232b34 } .base { stroke: #6b7783 }
    .ours { fill: #4f86f7 } .floor { fill: #64748b } .peer { fill: #b9713a } .whisker { stroke: #f3f4f6 }
  }`;
