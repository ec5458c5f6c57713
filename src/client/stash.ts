import type { CommitcastEvent } from '../core/event.ts';

/** Events that wait until it is known where to go on: all of them or, past a limit, none. */
export class Stash {
  readonly #limit: number;
  #events: CommitcastEvent[] = [];
  #last = -1;
  #isWhole = true;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** What comes again, because the session has begun again further back, is here already. */
  keep(event: CommitcastEvent): void {
    if (event.position <= this.#last) return;
    this.#last = event.position;
    if (this.#events.length < this.#limit) this.#events.push(event);
    else this.#isWhole = false;
  }

  /** All of it, or `undefined` when there were too many; then it is empty. */
  take(): CommitcastEvent[] | undefined {
    const events = this.#isWhole ? this.#events : undefined;
    this.#events = [];
    this.#last = -1;
    this.#isWhole = true;
    return events;
  }
}
