/** Bytes that a client may have unread before the server stops sending to it. */
export const maxUnsentBytes = 256 * 1024;

/** A client that takes nothing for so long is given up. */
export const patienceMs = 60_000;

/** What may be written to faster than it is read. */
export interface Outflow {
  /** What the server has taken for this client and the network has not. */
  unsentBytes(): number;
  /** Whether nothing waits before what would be sent now. */
  isDrained(): boolean;
  /** Calls back when it may be drained; also more than once. Returns how to cancel. */
  onDrain(listener: () => void): () => void;
}

/**
 * Waits until all that was sent has been taken by the network. Returns `false` when nothing at all was taken for a
 * minute: a client that is slow but reads is waited for. Also returns when the signal aborts.
 */
export async function drained(outflow: Outflow, signal: AbortSignal): Promise<boolean> {
  let unsent = Infinity;
  while (!signal.aborted && !outflow.isDrained()) {
    const now = outflow.unsentBytes();
    if (now >= unsent) return false;
    unsent = now;
    await flushed(outflow, signal);
  }
  return true;
}

/** Resolves when everything is taken, after a minute, or when the signal aborts. */
async function flushed(outflow: Outflow, signal: AbortSignal): Promise<void> {
  const given = new AbortController();
  const giveUp = () => {
    given.abort();
  };
  // Not by `AbortSignal.timeout`: as a part of another signal it may be collected before its time.
  const timer = setTimeout(giveUp, patienceMs);
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  const late = given.signal;
  while (!late.aborted && !outflow.isDrained()) {
    await new Promise<void>((resolve) => {
      const done = () => {
        cancel();
        late.removeEventListener('abort', done);
        // The connection's own listeners of the same event come first.
        setImmediate(resolve);
      };
      const cancel = outflow.onDrain(done);
      late.addEventListener('abort', done, { once: true });
    });
  }
  clearTimeout(timer);
  signal.removeEventListener('abort', giveUp);
}
