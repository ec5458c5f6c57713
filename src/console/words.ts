const clock = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
});
const toSecond = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const grouped = new Intl.NumberFormat('en-US');

/** Time of day in the browser's zone, to the millisecond. */
export function timeOf(time: string): string {
  return clock.format(new Date(time));
}

export function secondOf(time: string | number): string {
  return toSecond.format(new Date(time));
}

export function countOf(value: number): string {
  return grouped.format(value);
}

export function plural(amount: number, noun: string): string {
  return `${countOf(amount)} ${noun}${amount === 1 ? '' : 's'}`;
}

/** Such as `0.4 s`, `12 s`, `3 min 5 s`. */
export function durationOf(ms: number): string {
  const seconds = ms / 1_000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
}

const resets: Readonly<Record<string, string>> = {
  expired: 'What happened meanwhile is not kept any more',
  epoch: 'The database has another history than before',
  unknown: 'The cursor is of another database',
};

export function resetOf(reason: string): string {
  return resets[reason] ?? reason;
}
