/** Work in the order in which it came; what it yields is waited for before it goes on. It must not throw. */
export type Work = () => Iterable<Promise<void> | void> | void;

/**
 * What was received and is not handled yet, in order, one thing at a time. As long as nothing has to be waited for, all
 * of it is done in the tick in which it came: a batch of events makes one change of a page, not five hundred.
 */
export class Backlog {
  readonly #items: { work: Work; size: number }[] = [];
  readonly #onDone: () => void;
  #size = 0;
  #isClosed = false;
  #isRunning = false;
  #running: Promise<void> | undefined;

  constructor(onDone: () => void) {
    this.#onDone = onDone;
  }

  /** Events that wait, those in hand included. */
  get size(): number {
    return this.#size;
  }

  push(work: Work, size = 0): void {
    if (this.#isClosed) return;
    this.#items.push({ work, size });
    this.#size += size;
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#running = this.#run();
  }

  /** What waits, and what comes, is forgotten. Resolves when what is in hand is finished. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#items.length = 0;
    // What runs in this very tick has not told its promise yet.
    await Promise.resolve();
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let item = this.#items.shift(); item; item = this.#items.shift()) {
      for (const waiting of item.work() ?? []) if (waiting) await waiting;
      this.#size -= item.size;
      this.#onDone();
    }
    this.#isRunning = false;
  }
}
