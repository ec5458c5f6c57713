/** Time after which an arrival counts for little more than a third. */
const decayMs = 50;
/** About 160 events a second. */
const streamLevel = 8;
/** About a hundred. In between it stays what it was, or a rate near the one level would pass it at every other event. */
const trickleLevel = 5;

/**
 * Tells a trickle, for which sleeping pays, from a stream, for which polling is cheaper than being notified: for the
 * writers above all, whose commits wait for each other to NOTIFY. It counts events, not wake-ups: the slower the
 * reader, the fewer wake-ups a stream makes.
 */
export class ArrivalRate {
  readonly #now: () => number;
  #level = 0;
  #at = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  add(events: number): void {
    this.#level = this.#decayed() + events;
    this.#at = this.#now();
  }

  get isStream(): boolean {
    return this.#decayed() >= streamLevel;
  }

  get isTrickle(): boolean {
    return this.#decayed() < trickleLevel;
  }

  #decayed(): number {
    return this.#level * Math.exp((this.#at - this.#now()) / decayMs);
  }
}
