/** Of a burst, rounding takes less than this. */
const tolerance = 0.001;

/**
 * So many in a window for each key: all at once, or evenly, or anything between. The generic cell rate algorithm (ITU-T
 * I.371): of each key one number is kept, the time at which all that it has taken is paid off; and not for longer.
 */
export class RateLimit {
  readonly #windowMs: number;
  readonly #intervalMs: number;
  readonly #paidAt = new Map<string, number>();
  readonly #now: () => number;
  #sweep: NodeJS.Timeout | undefined;

  /** `limit`: in `windowMs` milliseconds; `Infinity`: nothing is counted. */
  constructor(limit: number, windowMs: number, now = () => performance.now()) {
    this.#windowMs = windowMs;
    this.#intervalMs = windowMs / limit;
    this.#now = now;
  }

  /** Keys of which something is kept. */
  get size(): number {
    return this.#paidAt.size;
  }

  /** Takes one, and returns 0; or takes none, and returns in how many milliseconds there is one. */
  take(key: string): number {
    if (this.#intervalMs === 0) return 0;
    const now = this.#now();
    const paidAt = Math.max(now, this.#paidAt.get(key) ?? 0) + this.#intervalMs;
    const waitMs = paidAt - now - this.#windowMs;
    if (waitMs > tolerance) return Math.ceil(waitMs);
    this.#paidAt.set(key, paidAt);
    // Keys that nobody uses any more must not stay: there may be very many of them.
    this.#sweep ??= setTimeout(() => {
      this.forgetPaid();
    }, this.#windowMs).unref();
    return 0;
  }

  /** By itself once a window, for as long as there is something to forget. */
  forgetPaid(): void {
    clearTimeout(this.#sweep);
    const now = this.#now();
    for (const [key, paidAt] of this.#paidAt) if (paidAt <= now) this.#paidAt.delete(key);
    this.#sweep =
      this.#paidAt.size === 0
        ? undefined
        : setTimeout(() => {
            this.forgetPaid();
          }, this.#windowMs).unref();
  }
}
