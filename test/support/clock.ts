import { onTestFinished, vi } from 'vitest';

/** Sets `Date`, and it alone, so many seconds ahead of the time that it is, until the test ends. */
export function setClockAhead(seconds: number): void {
  vi.useRealTimers();
  if (seconds === 0) return;
  vi.setSystemTime(Date.now() + seconds * 1_000);
  onTestFinished(() => {
    vi.useRealTimers();
  });
}
