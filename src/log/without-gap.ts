import type { LogEntry } from './log-entry.ts';

/** The first of them that follow one another from `position` on. */
export function withoutGap(entries: readonly LogEntry[], position: number): LogEntry[] {
  const end = entries.findIndex((entry, index) => entry.position !== position + 1 + index);
  return entries.slice(0, end === -1 ? entries.length : end);
}
