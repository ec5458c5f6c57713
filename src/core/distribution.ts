/** How values are spread: how many of them lie between bounds that are chosen beforehand. Adding one is a comparison or two. */
export class Distribution {
  readonly #bounds: readonly number[];
  /** One more than there are bounds: of what is above all of them. */
  readonly #counts: number[];
  #sum = 0;

  /** `bounds` rise. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  add(value: number): void {
    let place = 0;
    while (value > (this.#bounds[place] ?? Infinity)) place += 1;
    this.#counts[place] = (this.#counts[place] ?? 0) + 1;
    this.#sum += value;
  }

  get sum(): number {
    return this.#sum;
  }

  get count(): number {
    return this.#counts.reduce((sum, each) => sum + each, 0);
  }

  /** For each bound, and for infinity after them, how many values are not above it. */
  *upTo(): Generator<readonly [bound: number, count: number]> {
    let count = 0;
    for (const [place, each] of this.#counts.entries()) {
      count += each;
      yield [this.#bounds[place] ?? Infinity, count];
    }
  }
}
