import type { CommitcastEvent } from '../core/event.ts';

/** Events that wait for a state to be loaded: so many, or none, because some without the others are of no use. */
export class Stash {
  readonly #limit: () => number;
  #events: CommitcastEvent[] = [];
  #isWhole = true;

  constructor(limit: () => number) {
    this.#limit = limit;
  }

  get isWhole(): boolean {
    return this.#isWhole;
  }

  keep(event: CommitcastEvent): void {
    if (this.#events.length < this.#limit()) this.#events.push(event);
    else this.#isWhole = false;
  }

  /** All of it; then it is empty, and whole again. */
  take(): CommitcastEvent[] {
    const events = this.#events;
    this.#events = [];
    this.#isWhole = true;
    return events;
  }
}
