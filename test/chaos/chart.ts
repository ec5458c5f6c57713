import type { ChaosResult } from './chaos.ts';
import { latencyOf, type Summary } from './summary.ts';

const width = 1_200;
const left = 230;
const right = 24;
const plotTop = 84;
const plotHeight = 260;
const rowHeight = 15;
const minMs = 1;

/**
 * The run as a picture: above, how long the way from COMMIT to the clients took at any moment, on a logarithmic axis;
 * below, one line for each kind of fault, with a bar from where it was done to where it was recovered from.
 */
export function drawChart(summary: Summary, { faults, pulses }: ChaosResult): string {
  const durationMs = Math.max(1_000, ...faults.map((fault) => fault.until), pulses.at(-1)?.began ?? 0);
  const kinds = summary.kinds.filter(({ count }) => count > 0).map(({ kind }) => kind);
  const lanesTop = plotTop + plotHeight + 48;
  const lanesHeight = kinds.length * rowHeight;
  const height = lanesTop + lanesHeight + 44;
  const plotWidth = width - left - right;
  const x = (ms: number) => round(left + (ms / durationMs) * plotWidth);

  const points = pulses.flatMap((pulse) => {
    const latencies = latencyOf(pulse).sort((a, b) => a - b);
    const [slowest, middle] = [latencies.at(-1), latencies[Math.floor((latencies.length - 1) / 2)]];
    return slowest === undefined || middle === undefined ? [] : [{ at: pulse.began, slowest, middle }];
  });
  const bucketMs = durationMs / 400;
  const buckets = bucketed(points, bucketMs);
  const decades = Math.max(4, Math.ceil(Math.log10(Math.max(10, ...points.map(({ slowest }) => slowest)))));
  const y = (ms: number) => round(plotTop + plotHeight * (1 - Math.log10(Math.max(ms, minMs)) / decades));

  const grid = Array.from({ length: decades + 1 }, (_, power) => {
    const ms = 10 ** power;
    const label = ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`;
    return (
      `<line class="grid" x1="${left}" x2="${width - right}" y1="${y(ms)}" y2="${y(ms)}"/>` +
      `<text class="axis" x="${left - 8}" y="${y(ms) + 4}" text-anchor="end">${label}</text>`
    );
  });
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300];
  const stepSeconds = steps.find((seconds) => durationMs / 1_000 / seconds <= 14) ?? 600;
  const ticks = Array.from({ length: Math.floor(durationMs / 1_000 / stepSeconds) + 1 }, (_, n) => {
    const seconds = n * stepSeconds;
    const at = x(seconds * 1_000);
    return (
      `<line class="grid" x1="${at}" x2="${at}" y1="${plotTop}" y2="${lanesTop + lanesHeight}"/>` +
      `<text class="axis" x="${at}" y="${lanesTop + lanesHeight + 16}" text-anchor="middle">${seconds}</text>`
    );
  });
  const lanes = kinds.flatMap((kind, row) => {
    const top = lanesTop + row * rowHeight;
    return [
      `<text class="axis" x="${left - 8}" y="${top + 11}" text-anchor="end">${escape(kind)}</text>`,
      `<line class="grid" x1="${left}" x2="${width - right}" y1="${top + rowHeight}" y2="${top + rowHeight}"/>`,
      ...faults
        .filter((fault) => fault.kind === kind)
        .map((fault) => {
          const end = Math.min(fault.until, durationMs);
          const wide = Math.max(2.5, x(end) - x(fault.at));
          return (
            `<rect class="fault" x="${x(fault.at)}" y="${top + 3}" width="${round(wide)}" height="${rowHeight - 5}">` +
            `<title>${escape(`${kind} ${fault.note}: ${Math.round(fault.recoveryMs ?? NaN)} ms`)}</title></rect>`
          );
        }),
    ];
  });
  // Where nothing was committed, the line is broken.
  const path = (values: { at: number; ms: number }[]) =>
    values
      .map(({ at, ms }, index) => {
        const gap = at - (values[index - 1]?.at ?? -Infinity) > 4 * bucketMs;
        return `${gap ? 'M' : 'L'}${x(at)} ${y(ms)}`;
      })
      .join('');
  const { counts, options, looked } = summary;
  const verdict =
    `${counts.missed} missed, ${counts.doubled} doubled, ${counts.inverted} inverted, ` +
    `${counts.foreign} foreign, ${counts.ghosts} ghosts, in ${looked.deliveries.toLocaleString('en')} deliveries of ` +
    `${looked.events.toLocaleString('en')} events`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<style>${style}</style>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text class="title" x="${left}" y="28">Commitcast chaos run, seed ${summary.seed}, ${summary.date.slice(0, 10)}</text>`,
    `<text class="sub" x="${left}" y="48">${options.clients} clients, ${options.writers} writers, 3 instances over ${options.adapter}${options.continuity ? '' : ', without the continuity check'}: ${verdict}</text>`,
    `<text class="axis" x="${left}" y="${plotTop - 12}">From COMMIT to the clients, logarithmic:</text>`,
    `<line class="worst" x1="${left + 232}" x2="${left + 256}" y1="${plotTop - 16}" y2="${plotTop - 16}"/>`,
    `<text class="axis" x="${left + 262}" y="${plotTop - 12}">slowest instance</text>`,
    `<line class="median" x1="${left + 372}" x2="${left + 396}" y1="${plotTop - 16}" y2="${plotTop - 16}"/>`,
    `<text class="axis" x="${left + 402}" y="${plotTop - 12}">middle instance (median of each ${round(bucketMs / 100) / 10} s)</text>`,
    ...grid,
    ...ticks,
    `<path class="worst" d="${path(buckets.map(({ at, slowest }) => ({ at, ms: slowest })))}"/>`,
    `<path class="median" d="${path(buckets.map(({ at, middle }) => ({ at, ms: middle })))}"/>`,
    `<text class="axis" x="${left}" y="${lanesTop - 12}">Faults, from when they were done until recovered from and ended:</text>`,
    ...lanes,
    `<text class="axis" x="${left + plotWidth / 2}" y="${height - 8}" text-anchor="middle">seconds since the start</text>`,
    '</svg>',
    '',
  ].join('\n');
}

const style = `
  text { font-family: system-ui, 'Liberation Sans', Arial, sans-serif; fill: #1d2733 }
  .title { font-size: 18px; font-weight: 600 } .sub { font-size: 13px } .axis { font-size: 11px; fill: #46525f }
  .grid { stroke: #dde3e9; stroke-width: 1 } path { fill: none; stroke-linejoin: round }
  .worst { stroke: #c2410c; stroke-width: 1.2 } .median { stroke: #1d4ed8; stroke-width: 1.6 } .fault { fill: #334155 }`;

interface Point {
  at: number;
  slowest: number;
  middle: number;
}

function bucketed(points: readonly Point[], bucketMs: number): Point[] {
  const buckets = new Map<number, Point[]>();
  for (const point of points) {
    const key = Math.floor(point.at / bucketMs);
    const bucket = buckets.get(key);
    if (bucket) bucket.push(point);
    else buckets.set(key, [point]);
  }
  return [...buckets].map(([key, bucket]) => {
    const middles = bucket.map(({ middle }) => middle).sort((a, b) => a - b);
    return {
      at: (key + 0.5) * bucketMs,
      slowest: Math.max(...bucket.map(({ slowest }) => slowest)),
      middle: middles[Math.floor(middles.length / 2)] ?? 0,
    };
  });
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
