import { inTime } from '../core/sleep.ts';

/** Those who ask together share one look at the database. */
const freshMs = 1_000;
/** Nobody waits longer for the database. */
const patienceMs = 2_000;

/** A look at the database that many may ask for: at most one at a time, and at most one a second. */
export class SharedLook<Seen> {
  readonly #look: () => Promise<Seen>;
  readonly #failed: (error: unknown) => void;
  #seen: Seen | undefined;
  #seenAt = -Infinity;
  #looking: Promise<Seen> | undefined;
  #works = true;

  /** `failed` hears of the first of several failures in a row. */
  constructor(look: () => Promise<Seen>, failed: (error: unknown) => void = () => undefined) {
    this.#look = look;
    this.#failed = failed;
  }

  /** Never throws, and never waits long; `undefined`: the database is away, or hangs. */
  async take(): Promise<Seen | undefined> {
    if (performance.now() - this.#seenAt < freshMs) return this.#seen;
    // One that hangs is not asked again beside it.
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    try {
      this.#seen = await inTime(this.#looking, patienceMs);
      this.#seenAt = performance.now();
      this.#works = true;
      return this.#seen;
    } catch (error) {
      if (this.#works) this.#failed(error);
      this.#works = false;
      return undefined;
    }
  }
}
