/**
 * What lives: `start` fails fast, `stop` is idempotent, waits for a start in flight and returns when all is down.
 * The shape follows River's `startstop`.
 */
export interface Service {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Closes in reverse order of opening; every closer runs, and their errors are thrown together at the end. */
export class Releasers {
  readonly #closers: (() => Promise<unknown> | undefined | void)[] = [];

  add(close: () => Promise<unknown> | undefined | void): void {
    this.#closers.push(close);
  }

  async release(): Promise<void> {
    const errors: unknown[] = [];
    for (let close = this.#closers.pop(); close; close = this.#closers.pop()) {
      try {
        await close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'Some parts did not close cleanly');
  }
}
