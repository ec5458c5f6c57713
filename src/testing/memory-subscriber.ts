import { formatCursor, parseCursor } from '../core/cursor.ts';
import { codes } from '../core/codes.ts';
import { toPublicError } from '../core/errors.ts';
import type { CommitcastEvent } from '../core/event.ts';
import { maxBatchEvents, type LiveMessage, type ServerToClientEvents } from '../core/protocol.ts';
import { parseSubscription, subscriptionKey, type Subscription } from '../core/subscription.ts';
import { shows } from '../gateway/rights.ts';
import { sees } from '../core/sees.ts';
import { isEvent, type LogEntry, type MemoryLog, type MemoryRevocation } from './memory-log.ts';

/** What a subscriber can hear of the double: the names and arguments of the wire. */
export type MemoryMessages = Pick<ServerToClientEvents, 'events' | 'live' | 'reset' | 'revoked' | 'close'>;

export interface ConnectOptions {
  org: string;
  /** Whose token it has, issued at this moment: loses what is revoked from now on. Without it, loses nothing. */
  user?: string;
  subscriptions?: readonly Subscription[];
  /** Resume after this; without it, live from now. */
  cursor?: string;
}

/** One session: the events of its rooms after its cursor, once, in order, with the cursor to come back with. */
export class MemorySubscriber {
  readonly #log: MemoryLog;
  readonly #org: string;
  readonly #user: string | undefined;
  readonly #subscriptions = new Map<string, Subscription>([[subscriptionKey({}), {}]]);
  readonly #denied: LiveMessage['denied'] = [];
  readonly #listeners: { [Name in keyof MemoryMessages]: MemoryMessages[Name][] } = {
    events: [],
    live: [],
    reset: [],
    revoked: [],
    close: [],
  };
  readonly #reset: 'unknown' | 'epoch' | undefined;
  /** Last position before it came. */
  readonly #head: number;
  #position: number;
  #state: 'connecting' | 'live' | 'closed' = 'connecting';

  /** @throws {CommitcastError} `CURSOR_INVALID`, where the wire refuses the handshake */
  constructor(log: MemoryLog, { org, user, subscriptions = [], cursor }: ConnectOptions) {
    this.#log = log;
    this.#org = org;
    this.#user = user;
    for (const subscription of subscriptions) {
      try {
        const parsed = parseSubscription(subscription);
        this.#subscriptions.set(subscriptionKey(parsed), parsed);
      } catch (error) {
        this.#denied.push({ subscription, code: toPublicError(error).code });
      }
    }
    const head = log.entries.length;
    this.#head = head;
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
    // A listener may close it, and so may a revocation.
    while (this.#state === 'live' && this.#position < this.#log.entries.length) this.#step();
  }

  #start(): void {
    if (this.#state === 'closed') return;
    this.#state = 'live';
    if (this.#reset) this.#emit('reset', { reason: this.#reset, cursor: this.cursor });
    this.deliver();
    this.#emit('live', {
      cursor: this.cursor,
      subscriptions: [...this.#subscriptions.values()],
      denied: this.#denied,
    });
  }

  /** Goes on until a message is full, or up to a revocation: that takes effect at its place. */
  #step(): void {
    const events: CommitcastEvent[] = [];
    let entry: LogEntry | undefined;
    while ((entry = this.#log.entries[this.#position]) && isEvent(entry) && events.length < maxBatchEvents) {
      this.#position = entry.position;
      if (this.#sees(entry)) events.push(entry);
    }
    // A copy for each: what one changes, nobody else sees.
    if (events.length > 0) this.#emit('events', structuredClone(events), this.cursor);
    else if (entry && !isEvent(entry)) this.#act(entry);
  }

  #act({ org, user, site, unit, position }: MemoryRevocation): void {
    this.#position = position;
    if (org !== this.#org || user !== this.#user || position <= this.#head) return;
    if (site === undefined && unit === undefined) {
      const { meaning: message, retry } = codes.ORG_FORBIDDEN;
      this.#emit('revoked', {});
      this.#emit('close', { code: 'ORG_FORBIDDEN', message, retry });
      this.close();
      return;
    }
    for (const [key, subscription] of this.#subscriptions) {
      if (!shows(subscription, { site, unit })) continue;
      this.#subscriptions.delete(key);
      this.#emit('revoked', { subscription });
    }
  }

  #sees(event: CommitcastEvent): boolean {
    return (
      event.org === this.#org &&
      [...this.#subscriptions.values()].some((subscription) => sees(subscription, event))
    );
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
