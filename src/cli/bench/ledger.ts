/** An event of the benchmark, as the log has it. */
export interface Told {
  position: number;
  unit: string;
  /** Which change of the unit it tells: 1, 2, 3 … */
  n: number;
}

export interface Correctness {
  /** Changes that were committed with an event. */
  committed: number;
  missed: number;
  doubled: number;
  disordered: number;
}

/** Counts what is missed, comes twice, or comes out of order. */
export class Ledger {
  readonly #units = new Map<string, { highest: number; seen: Set<number> }>();
  #position = 0;
  #distinct = 0;
  #doubled = 0;
  #disordered = 0;

  /** Of the last event that was added. */
  get position(): number {
    return this.#position;
  }

  add({ position, unit, n }: Told): void {
    let known = this.#units.get(unit);
    if (!known) this.#units.set(unit, (known = { highest: 0, seen: new Set() }));
    if (known.seen.has(n)) {
      this.#doubled += 1;
    } else {
      known.seen.add(n);
      this.#distinct += 1;
      if (n < known.highest || position <= this.#position) this.#disordered += 1;
    }
    known.highest = Math.max(known.highest, n);
    this.#position = Math.max(this.#position, position);
  }

  compare(committed: number): Correctness {
    return {
      committed,
      missed: committed - this.#distinct,
      doubled: this.#doubled,
      disordered: this.#disordered,
    };
  }
}

/** An event of a change that nobody made is negative as missed: wrong as well. */
export function isCorrect({ missed, doubled, disordered }: Correctness): boolean {
  return missed === 0 && doubled === 0 && disordered === 0;
}
