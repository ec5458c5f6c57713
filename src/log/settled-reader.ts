import type { Executor } from '../db/executor.ts';
import { readCommitting, type Committer } from './read-committing.ts';
import { readPositions } from './read-positions.ts';

/** A gap younger than this is left alone: nearly all close by themselves within a commit. */
const patienceMs = 10;
const pageSize = 5_000;

interface Gap {
  position: number;
  since: number;
  /** Whoever was giving positions when the gap was already seen; `upTo`: the highest position seen before that. */
  suspects?: Set<string>;
  upTo: number;
}

/**
 * Reads how far the log is settled. Positions are given under the shared lock COMMITTING, so a missing position
 * belongs to one of its holders, or is dead: it was given to a commit that failed in its last instant, or skipped by
 * a crash. When none of those who held the lock after the gap was seen holds it any more, what is still missing on one
 * more read is dead, because Postgres makes a commit visible before it releases its locks.
 *
 * Who held a lock before a restart of the server means nothing after it, and can at worst delay: a position that was in
 * flight then is dead.
 */
export class SettledReader {
  readonly #now: () => number;
  #head: number;
  #gap: Gap | undefined;
  #waitingFor: readonly Committer[] = [];

  constructor(head: number, now: () => number = () => performance.now()) {
    this.#head = head;
    this.#now = now;
  }

  /** Everything up to this position is visible now, or will never be. */
  get head(): number {
    return this.#head;
  }

  /** Whether a position is awaited. */
  get waiting(): boolean {
    return this.#gap !== undefined;
  }

  /** Who holds the stream back, when a gap has outlived its patience. */
  get waitingFor(): readonly Committer[] {
    return this.#waitingFor;
  }

  /** Somebody else has proved it, up to there. */
  reach(position: number): void {
    this.#head = Math.max(this.#head, position);
    if (this.#gap && this.#gap.position <= this.#head) this.#close();
  }

  /** Reads once more; moves `head` as far as it can. */
  async advance(db: Executor): Promise<number> {
    const positions = await readPositions(db, this.#head, pageSize);
    for (const position of positions) {
      if (position !== this.#head + 1) break;
      this.#head = position;
    }
    const last = positions.at(-1) ?? this.#head;
    if (last === this.#head) this.#close();
    else await this.#wait(db, last);
    return this.#head;
  }

  async #wait(db: Executor, last: number): Promise<void> {
    const position = this.#head + 1;
    if (this.#gap?.position !== position) {
      this.#close();
      this.#gap = { position, since: this.#now(), upTo: last };
      return;
    }
    const gap = this.#gap;
    if (this.#now() - gap.since < patienceMs) return;

    // The order of the statements carries the proof: positions seen, then holders, then none of them left, then read.
    const committers = await readCommitting(db);
    const suspects = gap.suspects;
    if (suspects) {
      gap.suspects = new Set(
        committers.map(({ transaction }) => transaction).filter((id) => suspects.has(id)),
      );
    } else {
      gap.upTo = last;
      gap.suspects = new Set(committers.map(({ transaction }) => transaction));
    }
    this.#waitingFor = committers.filter(({ transaction }) => gap.suspects?.has(transaction));
    if (gap.suspects.size > 0) return;
    this.#head = gap.upTo;
    this.#close();
  }

  #close(): void {
    this.#gap = undefined;
    this.#waitingFor = [];
  }
}
