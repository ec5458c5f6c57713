import { printable } from './printable.ts';

const integers = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

export function formatInteger(value: number): string {
  return integers.format(value);
}

export interface TableOptions {
  /** Columns that hold numbers are set to the right. */
  numeric?: readonly number[];
  /** Of the terminal. What does not fit into it has the first column on a line of its own. Default: there is no limit. */
  width?: number;
}

export function tableLines(
  headings: string[],
  rows: readonly string[][],
  { numeric = [], width = Infinity }: TableOptions = {},
): string[] {
  const all = [headings, ...rows].map((row) => row.map((cell) => printable(cell)));
  const widths = headings.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const set = (cell: string, column: number) =>
    numeric.includes(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0);
  const lines = all.map((row) => row.map(set).join('  ').trimEnd());
  if (lines.every((line) => line.length <= width)) return lines;
  return all.map(([first = '', ...others]) =>
    `${first}\n  ${others.map((cell, index) => set(cell, index + 1)).join('  ')}`.trimEnd(),
  );
}

/** Seconds, as somebody would say it. */
export function durationText(seconds: number | null): string {
  if (seconds === null) return '-';
  if (seconds < 120) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3_600)} h`;
}
