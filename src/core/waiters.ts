interface Waiter {
  position: number;
  resolve: () => void;
}

/** Those who wait until a position has been reached. */
export class Waiters {
  readonly #waiting = new Set<Waiter>();

  /** Resolves when released, or when the signal aborts. */
  async wait(position: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#waiting.delete(waiter);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const waiter = { position, resolve: done };
      this.#waiting.add(waiter);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  /** Releases those who wait for a position up to this one. */
  release(upTo: number): void {
    for (const waiter of this.#waiting) if (waiter.position <= upTo) waiter.resolve();
  }
}
