import type { Executor } from '../db/executor.ts';
import { readCommitting, type Committer } from './read-committing.ts';
import { readHead } from './head.ts';

/**
 * Proves positions settled for one reader that begins anywhere: it reads no pages, so it does not matter how far behind
 * the relay is, or whether there is one; and it passes dead positions as soon as those are gone who might own them.
 *
 * The proof: positions are given in rising order under COMMITTING. Whoever was given one below the highest visible
 * position holds the lock when that position has been seen, or has ended. So when none of the holders of after that
 * look is left, everything up to the position that was seen is visible, or dead: Postgres makes a commit visible before
 * it releases its locks. Each look is a statement in a transaction of its own; in an older snapshot it proves nothing.
 */
export class SettledMark {
  #position = 0;
  #epoch: string | undefined;
  #candidate: { position: number; epoch: string } | undefined;
  #suspects: readonly Committer[] = [];

  /** Everything up to here is visible now, or will never be. */
  get position(): number {
    return this.#position;
  }

  /** Of the history that the position is in; `undefined` before the first look. */
  get epoch(): string | undefined {
    return this.#epoch;
  }

  /** Who has to end first, so that more is settled. */
  get waitingFor(): readonly Committer[] {
    return this.#suspects;
  }

  /** Begins at what the relay has saved as published. Also the way to go on when another epoch was met. */
  async begin(db: Executor): Promise<void> {
    const { epoch, published, floor } = await readHead(db);
    this.#epoch = epoch;
    // What was dropped was settled, too.
    this.#position = Math.max(published, floor - 1);
    this.#candidate = undefined;
    this.#suspects = [];
  }

  /** Looks once more; moves `position` when nobody is left who might own a missing one below it. */
  async advance(db: Executor): Promise<void> {
    if (this.#candidate) {
      const holders = await readCommitting(db);
      const before = new Set(this.#suspects.map(({ transaction }) => transaction));
      this.#suspects = holders.filter(({ transaction }) => before.has(transaction));
    } else {
      // The order of the statements carries the proof: the position seen, then the holders.
      const { epoch, last } = await readHead(db);
      this.#candidate = { epoch, position: last };
      this.#suspects = await readCommitting(db);
    }
    if (this.#suspects.length > 0) return;
    const { position, epoch } = this.#candidate;
    this.#position = epoch === this.#epoch ? Math.max(this.#position, position) : position;
    this.#epoch = epoch;
    this.#candidate = undefined;
  }
}
