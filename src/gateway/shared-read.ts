interface Waiter<Page> {
  resolve: (page: Page) => void;
  reject: (error: unknown) => void;
}

/** One read, and all who wait for its page. */
export class SharedRead<Page> {
  readonly #waiters = new Set<Waiter<Page>>();
  readonly #abandoned: () => void;

  /** `abandoned` is called when nobody waits any more, before there is an outcome. */
  constructor(abandoned: () => void) {
    this.#abandoned = abandoned;
  }

  /** Rejects as the read fails; or, for this one alone, with the reason of the signal. */
  wait(signal: AbortSignal): Promise<Page> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        signal.removeEventListener('abort', abort);
        this.#waiters.delete(waiter);
      };
      const abort = () => {
        leave();
        reject(signal.reason as Error);
        if (this.#waiters.size === 0) this.#abandoned();
      };
      const waiter = {
        resolve: (page: Page) => {
          leave();
          resolve(page);
        },
        reject: (error: unknown) => {
          leave();
          reject(error);
        },
      };
      this.#waiters.add(waiter);
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  succeed(page: Page): void {
    for (const { resolve } of this.#waiters) resolve(page);
  }

  fail(error: unknown): void {
    for (const { reject } of this.#waiters) reject(error);
  }
}
