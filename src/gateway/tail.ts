import type { Tombstone } from '../core/erased.ts';
import type { ControlEvent } from '../log/control-event.ts';
import { erased, type WireEvent } from '../log/wire-event.ts';
import type { Batch } from './batches.ts';

/** What an entry costs beside its JSON, roughly. */
const overheadBytes = 200;

/**
 * The most recent events in memory, as the wires carry them, bounded by bytes: whoever was away for a moment costs no
 * query. It knows everything after `start`, dead positions included.
 */
export class Tail {
  readonly #maxBytes: number;
  #entries: WireEvent[] = [];
  /** Entries before this index are gone; they are cut off now and then. */
  #first = 0;
  #bytes = 0;
  #start: number;

  constructor(start: number, maxBytes: number) {
    this.#start = start;
    this.#maxBytes = maxBytes;
  }

  /** Bytes that can be added before the oldest entry goes. */
  get room(): number {
    return this.#maxBytes - this.#bytes;
  }

  /** Whether every event after `position` is here. */
  covers(position: number): boolean {
    return position >= this.#start;
  }

  /** What the dispatcher has come to: events to keep, or a control event that erases some of those that are here. */
  take({ events, control }: Pick<Batch, 'events' | 'control'>): void {
    for (const event of events) this.append(event);
    if (control?.tombstone) this.#erase(control, control.tombstone);
  }

  append(event: WireEvent): void {
    this.#entries.push(event);
    this.#bytes += sizeOf(event);
    while (this.#bytes > this.#maxBytes) {
      const gone = this.#entries[this.#first++];
      if (!gone) break;
      this.#bytes -= sizeOf(gone);
      this.#start = gone.position;
    }
    if (this.#first > 1_000 && this.#first > this.#entries.length / 2) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
  }

  /** Events from before `start`, rising: all of those after the new `start`. Only as many bytes of them as there is room for. */
  prepend(events: readonly WireEvent[], start: number): void {
    this.#entries = [...events, ...this.#entries.slice(this.#first)];
    this.#first = 0;
    this.#bytes += events.reduce((sum, event) => sum + sizeOf(event), 0);
    this.#start = start;
  }

  /** The events after `position`, rising. Only when `covers(position)`. */
  *after(position: number): Generator<WireEvent> {
    for (let index = this.#indexAfter(position); index < this.#entries.length; index++) {
      const entry = this.#entries[index];
      if (entry) yield entry;
    }
  }

  /** As in the log. Pages that were taken from here before keep what they have: they are of positions before. */
  #erase({ org, stream }: ControlEvent, tombstone: Tombstone): void {
    for (let index = this.#first; index < this.#entries.length; index++) {
      const entry = this.#entries[index];
      if (entry?.org !== org || (stream !== undefined && entry.stream !== stream)) continue;
      const replaced = erased(entry, tombstone);
      this.#entries[index] = replaced;
      this.#bytes += replaced.bytes - entry.bytes;
    }
  }

  #indexAfter(position: number): number {
    let low = this.#first;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.position ?? Infinity) <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export function sizeOf({ bytes }: WireEvent): number {
  return bytes + overheadBytes;
}
