import type { Spread } from './results.ts';

/** Three digits that count, as a reader wants them: 0.0123, 4.57, 108, 12,300. */
export function show(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const rounded = Number(value.toPrecision(3));
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(rounded))));
  return rounded.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** `4.57 [4.01–5.02]`; of a single round the number alone. */
export function showSpread({ median, min, max }: Spread): string {
  return min === max ? show(median) : `${show(median)} [${show(min)}–${show(max)}]`;
}

export function showSeconds(seconds: number): string {
  if (seconds < 99.5) return `${seconds < 9.95 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
