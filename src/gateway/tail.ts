import type { CommitcastEvent } from '../core/event.ts';

interface TailEntry {
  event: CommitcastEvent;
  bytes: number;
}

/**
 * The most recent events in memory, bounded by bytes, so that whoever was away for a moment costs no query. It knows
 * everything after `start`, dead positions included.
 */
export class Tail {
  readonly #maxBytes: number;
  #entries: TailEntry[] = [];
  /** Entries before this index are gone; they are cut off now and then. */
  #first = 0;
  #bytes = 0;
  #start: number;

  constructor(start: number, maxBytes: number) {
    this.#start = start;
    this.#maxBytes = maxBytes;
  }

  /** Whether every event after `position` is here. */
  covers(position: number): boolean {
    return position >= this.#start;
  }

  append(event: CommitcastEvent, bytes: number): void {
    this.#entries.push({ event, bytes });
    this.#bytes += bytes;
    while (this.#bytes > this.#maxBytes) {
      const gone = this.#entries[this.#first++];
      if (!gone) break;
      this.#bytes -= gone.bytes;
      this.#start = gone.event.position;
    }
    if (this.#first > 1_000 && this.#first > this.#entries.length / 2) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
  }

  /** The events after `position`, rising. Only when `covers(position)`. */
  *after(position: number): Generator<CommitcastEvent> {
    for (let index = this.#indexAfter(position); index < this.#entries.length; index++) {
      const entry = this.#entries[index];
      if (entry) yield entry.event;
    }
  }

  #indexAfter(position: number): number {
    let low = this.#first;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.event.position ?? Infinity) <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
