import { maxBatchEvents } from '../core/protocol.ts';
import { subscriptionKey, type Subscription } from '../core/subscription.ts';
import type { Executor } from '../db/executor.ts';
import { readRooms, type RoomsPage, type RoomsRange } from '../log/read-rooms.ts';
import type { WireEvent } from '../log/wire-event.ts';
import { framesOf, type EventsFrame } from './events-frame.ts';
import { FairQueue } from './fair-queue.ts';
import { KeptPages } from './kept-pages.ts';
import { SharedRead } from './shared-read.ts';

/** Belongs to all sessions that it is given to: nobody changes it. */
export interface ReplayPage extends Omit<RoomsPage, 'events'> {
  /** Events in the page. */
  readonly count: number;
  /** Messages, encoded once for all sessions that get the page. */
  readonly frames: readonly EventsFrame[];
}

export interface ReplayRange extends Omit<RoomsRange, 'limit'> {
  /**
   * The history that `upTo` is a settled position of. Pages are shared within it only: in another one the same position
   * may not have been settled when the page was read.
   */
  epoch: string;
  signal: AbortSignal;
}

export interface ReplayPagesOptions {
  db: Executor;
  /** Statements at once. Status, handshakes and history share the pool, which has 8 connections. Default 4. */
  maxReads?: number;
  /** Of the pages that are kept. Default 8 MiB. */
  maxBytes?: number;
  /** How long a page is kept for those who ask later. Default 1,000. */
  maxAgeMs?: number;
}

interface Read {
  readonly key: string;
  readonly range: RoomsRange;
  readonly epoch: string;
  readonly shared: SharedRead<ReplayPage>;
  begun: boolean;
}

/**
 * Pages of the log for sessions that catch up. When many return at once, those that want the same share one statement
 * and one encoding; and of those that want different ranges, each org has its turn, so none waits for all of another's.
 *
 * A page is of settled positions, so it stays true when others ask for it later, until what it says is rewritten
 * (`forget`). It never reaches beyond the position that each of them asked up to.
 */
export class ReplayPages {
  readonly #db: Executor;
  readonly #maxReads: number;
  readonly #kept: KeptPages<ReplayPage>;
  readonly #queue = new FairQueue<Read>();
  /** Those that may be joined: asked for after all that is forgotten. */
  readonly #open = new Map<string, Read>();
  #running = 0;

  constructor(
    { db, maxReads = 4, maxBytes = 8 * 1024 * 1024, maxAgeMs = 1_000 }: ReplayPagesOptions,
    now: () => number = () => performance.now(),
  ) {
    this.#db = db;
    this.#maxReads = maxReads;
    this.#kept = new KeptPages({ maxBytes, maxAgeMs, now });
  }

  /**
   * The events of `(after, upTo]` that the subscriptions of the org see, or the first of them: `to` says how far the
   * page goes. Subscriptions include the org's own events, as those of each session do.
   *
   * Rejects when the read fails, as for all who share it; the next one to ask reads again. Rejects with the reason of
   * the signal when that aborts.
   */
  async read({ signal, epoch, subscriptions, ...range }: ReplayRange): Promise<ReplayPage> {
    signal.throwIfAborted();
    const { org, after, upTo } = range;
    const wanted = normalized(subscriptions);
    const key = JSON.stringify([epoch, org, after, ...wanted.keys()]);
    const kept = this.#kept.get(key);
    if (kept && helps(kept.to, after, upTo)) return kept;
    const open = this.#open.get(key);
    const read =
      open && helps(open.range.upTo, after, upTo)
        ? open
        : this.#plan(key, epoch, { ...range, subscriptions: [...wanted.values()], limit: maxBatchEvents });
    const page = read.shared.wait(signal);
    this.#admit();
    return page;
  }

  /**
   * What was read before this is given to nobody who asks after it: the past has been rewritten by an erasure, or the
   * database has another history. Those who have asked already may still get it.
   */
  forget(): void {
    this.#kept.clear();
    this.#open.clear();
  }

  #plan(key: string, epoch: string, range: RoomsRange): Read {
    const abandoned = () => {
      // A statement that has begun goes on: whoever comes back soon finds its page.
      if (read.begun) return;
      this.#queue.remove(range.org, read);
      this.#close(read);
    };
    const read: Read = { key, epoch, range, shared: new SharedRead(abandoned), begun: false };
    this.#open.set(key, read);
    this.#queue.push(range.org, read);
    return read;
  }

  #admit(): void {
    while (this.#running < this.#maxReads) {
      const read = this.#queue.take();
      if (!read) return;
      void this.#run(read);
    }
  }

  async #run(read: Read): Promise<void> {
    read.begun = true;
    this.#running += 1;
    try {
      const { events, ...about } = await readRooms(this.#db, read.range);
      const frames = framesOf(events, about.epoch ?? '', about.to);
      const page: ReplayPage = { ...about, count: events.length, frames };
      if (this.#close(read) && isWorthKeeping(page, read)) this.#kept.add(read.key, page, bytesOf(events));
      read.shared.succeed(page);
    } catch (error) {
      this.#close(read);
      read.shared.fail(error);
    } finally {
      this.#running -= 1;
      this.#admit();
    }
  }

  /** Lets nobody join it any more; says whether somebody could until now. */
  #close(read: Read): boolean {
    return this.#open.get(read.key) === read && this.#open.delete(read.key);
  }
}

/** Whether somebody who asks for `(after, upTo]` gets on with a page up to `to`, and not beyond what was asked. */
function helps(to: number, after: number, upTo: number): boolean {
  return to > after && to <= upTo;
}

/** A page of a history that the reader does not know of is for nobody: they ask again, until they do. */
function isWorthKeeping({ epoch }: ReplayPage, read: Read): boolean {
  return epoch === read.epoch;
}

/** A message holds its JSON, and once more as it went over the wire. */
function bytesOf(events: readonly WireEvent[]): number {
  return events.reduce((sum, { bytes }) => sum + 2 * bytes, 0);
}

/** The same for all sets of subscriptions that see the same, by key and in the order of the keys. */
function normalized(subscriptions: readonly Subscription[]): Map<string, Subscription> {
  const wholeOrg: Subscription = { deep: true };
  const byKey = new Map<string, Subscription>([[subscriptionKey({}), {}]]);
  for (const subscription of subscriptions) byKey.set(subscriptionKey(subscription), subscription);
  if (byKey.has(subscriptionKey(wholeOrg))) return new Map([[subscriptionKey(wholeOrg), wholeOrg]]);
  return new Map([...byKey].sort(([a], [b]) => (a < b ? -1 : 1)));
}
