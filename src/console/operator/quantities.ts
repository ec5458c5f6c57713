const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });
const moment = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** In whole units, so that it does not change with every answer: `4 s`, `12 min`, `3 h 5 min`, `2 d 4 h`. */
export function spanOf(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return withRest(`${hours} h`, minutes % 60, 'min');
  return withRest(`${Math.floor(hours / 24)} d`, hours % 24, 'h');
}

export function bytesOf(bytes: number): string {
  const kibibytes = bytes / 1_024;
  if (kibibytes < 1_000) return `${kibibytes.toFixed(kibibytes < 10 ? 1 : 0)} KiB`;
  const mebibytes = kibibytes / 1_024;
  if (mebibytes < 1_000) return `${mebibytes.toFixed(mebibytes < 100 ? 1 : 0)} MiB`;
  return `${(mebibytes / 1_024).toFixed(1)} GiB`;
}

/** Such as `0`, `0.5`, `12`, `1.2K`. */
export function rateOf(perSecond: number): string {
  if (perSecond === 0 || perSecond >= 1_000) return compact.format(perSecond);
  return perSecond.toFixed(perSecond < 10 ? 1 : 0);
}

export function compactOf(value: number): string {
  return compact.format(value);
}

/** Date and time in the browser's zone. */
export function momentOf(at: number): string {
  return moment.format(at);
}

function withRest(whole: string, rest: number, unit: string): string {
  return rest === 0 ? whole : `${whole} ${rest} ${unit}`;
}
