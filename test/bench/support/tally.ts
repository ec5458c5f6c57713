/** Keeps account of events that are numbered from 1 on, and should come once each, in rising order. */
export class Tally {
  readonly #seen: Uint8Array;
  #distinct = 0;
  #last = 0;
  doubled = 0;
  disordered = 0;

  constructor(events: number) {
    // There is no event 0; it counts, like any that nobody asked for, as one too many.
    this.#seen = new Uint8Array(events + 1).fill(1, 0, 1);
  }

  get missed(): number {
    return this.#seen.length - 1 - this.#distinct;
  }

  take(n: number): void {
    if (this.#seen[n] === 0) {
      this.#seen[n] = 1;
      this.#distinct += 1;
    } else {
      this.doubled += 1;
    }
    if (n < this.#last) this.disordered += 1;
    this.#last = n;
  }
}

/** What a process says that has been asked to drain a backlog. */
export interface Drained {
  /** Until the last event was handled. */
  seconds: number;
  missed: number;
  doubled: number;
  disordered: number;
}

/** The account, once everything is there. */
export function drained(tally: Tally, seconds: number): Drained {
  const { missed, doubled, disordered } = tally;
  return { seconds, missed, doubled, disordered };
}
