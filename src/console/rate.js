/** Events per second are counted over so long. */
const windowMs = 10_000;
/** A rate over less than this says nothing. */
const leastMs = 2_000;

/** Events per second, live. */
export class Rate {
  /** @type {number[]} when they came */
  #arrivals = [];
  #since = 0;

  /** Counting begins now. */
  begin() {
    this.#arrivals = [];
    this.#since = performance.now();
  }

  /** @param {number} events that came now */
  count(events) {
    this.#arrivals.push(...Array.from({ length: events }, () => performance.now()));
  }

  /** `undefined` while it is too early to say. */
  get perSecond() {
    const now = performance.now();
    this.#arrivals = this.#arrivals.filter((at) => at > now - windowMs);
    const countedMs = Math.min(windowMs, now - this.#since);
    return countedMs < leastMs ? undefined : (this.#arrivals.length * 1_000) / countedMs;
  }
}
