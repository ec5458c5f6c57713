import type { Tombstone } from '../core/erased.ts';
import type { CommitcastEvent } from '../core/event.ts';
import type { ControlEvent } from '../log/control-event.ts';
import type { Batch } from './batches.ts';

/** Of an event without data, roughly. */
const tombstoneBytes = 300;

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

  /** What the dispatcher has come to: events to keep, or a control event that erases some of those that are here. */
  take({ entries, control }: Pick<Batch, 'entries' | 'control'>): void {
    for (const { event, bytes } of entries) this.append(event, bytes);
    if (control?.tombstone) this.#erase(control, control.tombstone);
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

  /** As in the log. Pages that were taken from here before keep what they have: they are of positions before. */
  #erase({ org, stream }: ControlEvent, tombstone: Tombstone): void {
    for (let index = this.#first; index < this.#entries.length; index++) {
      const entry = this.#entries[index];
      if (entry?.event.org !== org || (stream !== undefined && entry.event.stream !== stream)) continue;
      const { meta: _, ...rest } = entry.event;
      const bytes = Math.min(entry.bytes, tombstoneBytes);
      this.#entries[index] = { event: { ...rest, data: tombstone }, bytes };
      this.#bytes -= entry.bytes - bytes;
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
