/** Delays for attempts that follow each other: doubling from `minMs`, capped at `maxMs`, with full jitter. */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  #attempt = 0;

  constructor({ minMs = 50, maxMs = 2_000 }: { minMs?: number; maxMs?: number } = {}) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
  }

  /** Milliseconds to wait before the next attempt. Full jitter as in "Exponential Backoff and Jitter" (AWS, 2015). */
  next(): number {
    const ceiling = Math.min(this.#maxMs, this.#minMs * 2 ** this.#attempt++);
    return this.#minMs + Math.random() * (ceiling - this.#minMs);
  }

  /** Call it when an attempt has succeeded. */
  reset(): void {
    this.#attempt = 0;
  }
}
