import type { PageProgress } from './handle-page.ts';

const least = 500;
const most = 5_000;
/** A transaction that is over sooner may be larger: what it costs by itself is shared by more events. */
const shortMs = 100;
/** One that takes longer holds up whoever waits for it. */
const longMs = 300;

/**
 * How many events a transaction handles at most: as many as were asked for; or without that, 500, and up to 5,000 while
 * there is more and they are handled in less than a tenth of a second.
 */
export class BatchSize {
  readonly #isFixed: boolean;
  #limit: number;

  constructor(asked: number | undefined) {
    this.#isFixed = asked !== undefined;
    this.#limit = asked ?? least;
  }

  /** That it can ever be: the worker before this one may have come so far. */
  get most(): number {
    return this.#isFixed ? this.#limit : most;
  }

  get limit(): number {
    return this.#limit;
  }

  handled({ events, began }: Pick<PageProgress, 'events' | 'began'>, now: number = performance.now()): void {
    if (this.#isFixed) return;
    const tookMs = now - began;
    if (tookMs > longMs) this.#limit = least;
    else if (tookMs < shortMs && events >= this.#limit) this.#limit = Math.min(this.#limit * 2, most);
  }

  /** What is rolled back together is tried again one by one: the fewer the better. */
  failed(): void {
    if (!this.#isFixed) this.#limit = least;
  }
}
