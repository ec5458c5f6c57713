import type { Cursor } from '../core/cursor.ts';
import { maxBatchBytes, maxBatchEvents } from '../core/protocol.ts';
import { subscriptionKey, type Subscription } from '../core/subscription.ts';
import type { WireEvent } from '../log/wire-event.ts';
import { framesOf, type EventsFrame } from './events-frame.ts';
import { roomOf, roomsOf } from './rooms.ts';
import type { Tail } from './tail.ts';

/** Bytes of pages that are kept for others who want the same, until there is more to send. */
const maxBytes = 4 * 1024 * 1024;

export interface TailPage {
  frames: readonly EventsFrame[];
  count: number;
  bytes: number;
  /** Everything up to here is in it. */
  to: number;
}

/**
 * Pages of the events in memory. Many sessions that come back at once want the same: what one was given is kept, written
 * once, until the dispatcher moves on.
 */
export class TailPages {
  readonly #pages = new Map<string, TailPage>();
  #bytes = 0;
  #tail: Tail | undefined;
  #here: Cursor = { epoch: '', position: -1 };

  /** What an org's subscriptions see of `(after, here]`; the tail covers `after`. */
  read(
    tail: Tail,
    org: string,
    subscriptions: readonly Subscription[],
    after: number,
    here: Cursor,
  ): TailPage {
    if (this.#tail !== tail || here.position !== this.#here.position || here.epoch !== this.#here.epoch) {
      this.#pages.clear();
      this.#bytes = 0;
      this.#tail = tail;
      this.#here = { ...here };
    }
    const key = `${org} ${after} ${subscriptions.map(subscriptionKey).join(' ')}`;
    let page = this.#pages.get(key);
    if (!page) {
      page = pageOf(tail.after(after), org, subscriptions, here);
      // Its text, what it is written as, and its key.
      this.#bytes += 2 * page.bytes + 2 * key.length + 200;
      if (this.#bytes <= maxBytes) this.#pages.set(key, page);
    }
    return page;
  }
}

function pageOf(
  tail: Iterable<WireEvent>,
  org: string,
  subscriptions: readonly Subscription[],
  { epoch, position: here }: Cursor,
): TailPage {
  const events: WireEvent[] = [];
  const wanted = new Set(subscriptions.map((subscription) => roomOf(org, subscription)));
  let bytes = 0;
  let to = here;
  for (const event of tail) {
    if (event.position > here) break;
    // By rooms, as live delivery goes: a session may have a thousand subscriptions.
    if (event.org !== org || !roomsOf(event).some((room) => wanted.has(room))) continue;
    events.push(event);
    bytes += event.bytes;
    if (events.length < maxBatchEvents && bytes <= maxBatchBytes / 2) continue;
    to = event.position;
    break;
  }
  return { frames: framesOf(events, epoch, to), count: events.length, bytes, to };
}
