import type { StatusAnswer, TransactionStatus } from '../../core/status.ts';

/** A commit that the stream waits for. */
export interface Held extends TransactionStatus {
  /** Since this page has first seen that it is waited for. Its age is that of the transaction, which may have worked for long. */
  heldMs: number;
}

/** Each commit takes its milliseconds: one that is seen again after so long is none of those. */
const longMs = 1_500;

/** Between machines, and between a report and the answer that holds it. */
const toleranceMs = 5_000;

/** From one answer to the next, `sinceMs` later. */
export function followHeld(before: readonly Held[], { waitingFor }: StatusAnswer, sinceMs: number): Held[] {
  return waitingFor.map((transaction) => {
    const known = before.find((each) => isSame(each, transaction, sinceMs));
    if (!known) return { ...transaction, heldMs: 0 };
    // The very same age is the same report of the leader, once more.
    const isAnew = transaction.ageMs === null || transaction.ageMs !== known.ageMs;
    return { ...transaction, heldMs: known.heldMs + (isAnew ? sinceMs : 0) };
  });
}

export function isLong({ heldMs }: Held): boolean {
  return heldMs >= longMs;
}

/** A backend may be waited for again with its next transaction, which is younger. */
function isSame(before: TransactionStatus, now: TransactionStatus, sinceMs: number): boolean {
  if (before.pid !== now.pid) return false;
  if (before.ageMs === null || now.ageMs === null) return true;
  return now.ageMs >= before.ageMs && Math.abs(now.ageMs - before.ageMs - sinceMs) <= toleranceMs;
}

export function writerName({ applicationName, pid }: TransactionStatus): string {
  return applicationName === '' ? `pid ${pid}` : `${applicationName} (pid ${pid})`;
}
