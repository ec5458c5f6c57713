/**
 * Waits `ms` milliseconds, or until the signal aborts, whichever comes first. It never rejects: a loop looks at
 * `signal.aborted` itself.
 */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** The result of the work; or an error, when it takes longer than `ms` milliseconds. The work itself goes on. */
export async function inTime<Result>(work: Promise<Result>, ms: number): Promise<Result> {
  const patience = new AbortController();
  const late = sleep(ms, patience.signal).then(() => {
    throw new Error(`no answer for ${ms} ms`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    // `late` now throws with nobody to hear it; and so may the work.
    late.catch(() => undefined);
    work.catch(() => undefined);
    patience.abort();
  }
}
