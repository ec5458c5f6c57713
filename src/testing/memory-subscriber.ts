import { formatCursor, parseCursor } from '../core/cursor.ts';
import { toPublicError } from '../core/errors.ts';
import type { CommitcastEvent } from '../core/event.ts';
import { maxBatchEvents, type LiveMessage, type ServerToClientEvents } from '../core/protocol.ts';
import { parseSubscription, subscriptionKey, type Subscription } from '../core/subscription.ts';
import { sees } from '../gateway/rooms.ts';

/** What a subscriber can hear of the double: the names and arguments of the wire. */
export type MemoryMessages = Pick<ServerToClientEvents, 'events' | 'live' | 'reset'>;

export interface ConnectOptions {
  org: string;
  subscriptions?: readonly Subscription[];
  /** Resume after this; without it, live from now. */
  cursor?: string;
}

/** The log of the double, as a subscriber sees it. */
export interface MemoryLog {
  readonly epoch: string;
  readonly events: readonly CommitcastEvent[];
}

/** One session: the events of its rooms after its cursor, once, in order, with the cursor to come back with. */
export class MemorySubscriber {
  readonly #log: MemoryLog;
  readonly #org: string;
  readonly #subscriptions: readonly Subscription[];
  readonly #denied: LiveMessage['denied'] = [];
  readonly #listeners: { [Name in keyof MemoryMessages]: MemoryMessages[Name][] } = {
    events: [],
    live: [],
    reset: [],
  };
  readonly #reset: 'unknown' | 'epoch' | undefined;
  #position: number;
  #state: 'connecting' | 'live' | 'closed' = 'connecting';

  /** @throws {CommitcastError} `CURSOR_INVALID`, where the wire refuses the handshake */
  constructor(log: MemoryLog, { org, subscriptions = [], cursor }: ConnectOptions) {
    this.#log = log;
    this.#org = org;
    const wanted = new Map([[subscriptionKey({}), {} as Subscription]]);
    for (const subscription of subscriptions) {
      try {
        const parsed = parseSubscription(subscription);
        wanted.set(subscriptionKey(parsed), parsed);
      } catch (error) {
        this.#denied.push({ subscription, code: toPublicError(error).code });
      }
    }
    this.#subscriptions = [...wanted.values()];
    const head = log.events.length;
    const from = cursor === undefined ? { epoch: log.epoch, position: head } : parseCursor(cursor);
    if (from.epoch !== log.epoch) this.#reset = 'unknown';
    else if (from.position > head) this.#reset = 'epoch';
    this.#position = this.#reset ? head : from.position;
    // The caller attaches its listeners first, as to a socket before `connect()`.
    queueMicrotask(() => {
      this.#start();
    });
  }

  /** What it would come back with now. */
  get cursor(): string {
    return formatCursor({ epoch: this.#log.epoch, position: this.#position });
  }

  on<Name extends keyof MemoryMessages>(name: Name, listener: MemoryMessages[Name]): this {
    this.#listeners[name].push(listener);
    return this;
  }

  /** Hears nothing any more. Idempotent. */
  close(): void {
    this.#state = 'closed';
  }

  /** Delivers what is new in its rooms. The double calls it at every commit. */
  deliver(): void {
    if (this.#state !== 'live') return;
    const fresh = this.#log.events.slice(this.#position).filter((event) => this.#sees(event));
    for (let from = 0; from < fresh.length; from += maxBatchEvents) {
      // A copy for each: what one changes, nobody else sees.
      const batch = structuredClone(fresh.slice(from, from + maxBatchEvents));
      this.#position = batch.at(-1)?.position ?? this.#position;
      this.#emit('events', batch, this.cursor);
    }
    this.#position = this.#log.events.length;
  }

  #start(): void {
    if (this.#state === 'closed') return;
    this.#state = 'live';
    if (this.#reset) this.#emit('reset', { reason: this.#reset, cursor: this.cursor });
    this.deliver();
    this.#emit('live', {
      cursor: this.cursor,
      subscriptions: [...this.#subscriptions],
      denied: this.#denied,
    });
  }

  #sees(event: CommitcastEvent): boolean {
    return event.org === this.#org && this.#subscriptions.some((subscription) => sees(subscription, event));
  }

  #emit<Name extends keyof MemoryMessages>(name: Name, ...values: Parameters<MemoryMessages[Name]>): void {
    for (const listener of this.#listeners[name]) {
      if (this.#state === 'closed') return;
      try {
        (listener as (...values: Parameters<MemoryMessages[Name]>) => void)(...values);
      } catch (error) {
        // As with a socket: the listener's own failure, and none of the transaction that was committed.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
