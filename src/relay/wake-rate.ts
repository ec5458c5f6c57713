/** More wake-ups than this within the window: polling is cheaper than being notified, for writers and for us. */
const streamWakes = 10;
const windowMs = 50;

/** Tells a trickle, for which sleeping pays, from a stream. */
export class WakeRate {
  readonly #now: () => number;
  readonly #recent: number[] = [];

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Counts one wake-up; true when it belongs to a stream. */
  isStream(): boolean {
    const now = this.#now();
    this.#recent.push(now);
    if (this.#recent.length <= streamWakes) return false;
    const oldest = this.#recent.shift() ?? now;
    return now - oldest <= windowMs;
  }
}
