/** A transaction takes as many batches as go into about this time: far behind, commits would cost more than events. */
const pageMs = 100;
export const maxPageEvents = 1_000;

/** How many events the next transaction takes, at most. */
export class PageSize {
  readonly #batch: number;
  #batches = 1;

  constructor(batch: number) {
    this.#batch = batch;
  }

  get limit(): number {
    return Math.min(this.#batches * this.#batch, maxPageEvents);
  }

  /** A transaction of this size has taken so long. */
  took(ms: number): void {
    if (ms >= pageMs) this.#batches = Math.ceil(this.#batches / 2);
    else if (this.limit < maxPageEvents) this.#batches += 1;
  }

  /** Something has failed: what is tried again shall be little. */
  reset(): void {
    this.#batches = 1;
  }
}
