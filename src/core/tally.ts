/** Counts by a name that is one of a few. */
export class Tally<Name extends string> {
  readonly #counts = new Map<Name, number>();

  add(name: Name): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  /** Those that have been counted at all. */
  [Symbol.iterator](): IterableIterator<[name: Name, count: number]> {
    return this.#counts.entries();
  }
}
