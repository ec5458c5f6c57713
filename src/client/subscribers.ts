import type { Code } from '../core/codes.ts';
import type { CommitcastEvent } from '../core/event.ts';
import type { LiveMessage, ResetReason } from '../core/protocol.ts';
import { subscriptionKey, type Subscription } from '../core/subscription.ts';
import { epochOf, isBefore, positionOf } from './cursor.ts';
import type { Behind } from './progress.ts';
import type { Subscriber } from './subscriber.ts';

type Waits = Iterable<Promise<void> | void>;

/** What the server was asked for, over the present link. */
export interface Asked {
  readonly scope: Subscription;
  /** In the handshake; what was asked for later begins with its answer only. */
  readonly isEarly: boolean;
  /** After this position the session has all of it. */
  begunAt?: number;
}

/** All that was asked for over one link, by key. */
export type Request = Map<string, Asked>;

/** Every session has the org's own events: nobody asks for them, and nobody can give them back. */
const orgKey = subscriptionKey({});

/** All subscriptions of the application, over one session: several of the same scope are one on the wire. */
export class Subscribers {
  readonly #all = new Set<Subscriber>();
  #asked: Request = new Map();

  add(subscriber: Subscriber): void {
    this.#all.add(subscriber);
  }

  endAll(): void {
    for (const subscriber of this.#list()) subscriber.unsubscribe();
  }

  /** Of the present link: what comes over it is to be understood by it, also when there is another link by then. */
  get request(): Request {
    return this.#asked;
  }

  /** What a handshake asks for. */
  handshake(): Subscription[] {
    this.#asked = new Map([[orgKey, { scope: {}, isEarly: true }]]);
    return this.#askForNew(true).map(({ scope }) => scope);
  }

  /** What is to be asked for now, and what nobody wants any more. */
  changes(): { subscribe: Asked[]; unsubscribe: Subscription[] } {
    for (const subscriber of this.#all) if (subscriber.state.name === 'ended') this.#all.delete(subscriber);
    const unsubscribe: Subscription[] = [];
    for (const [key, { scope }] of this.#asked) {
      if (key === orgKey || this.#list().some((each) => each.key === key && each.wanted)) continue;
      this.#asked.delete(key);
      unsubscribe.push(scope);
    }
    return { subscribe: this.#askForNew(false), unsubscribe };
  }

  /** Where a session has to begin, so that everybody gets what follows what they have: at `base`, or earlier. */
  beginning(base: string | undefined): string | undefined {
    let first = base;
    for (const { state, cursor } of this.#all) {
      if (state.name !== 'waiting' || cursor === undefined) continue;
      // One of another history is told so when the session has begun.
      if (first === undefined || isBefore(cursor, first)) first = cursor;
    }
    return first;
  }

  /** Where those are that have done less than the session. */
  behind(session: string): Behind {
    const behind: Behind = {};
    for (const { key, cursor, loads, state } of this.#all) {
      if (loads || state.name === 'ended') continue;
      const isBehind = cursor !== undefined && cursor !== session && !isBefore(session, cursor);
      (behind[key] ??= []).push(isBehind ? cursor : null);
    }
    for (const key in behind) if (behind[key]?.every((cursor) => cursor === null)) delete behind[key];
    return behind;
  }

  *deliver(event: CommitcastEvent, epoch: string): Waits {
    for (const subscriber of this.#list()) yield subscriber.deliver(event, epoch);
  }

  reached(cursor: string): void {
    for (const subscriber of this.#all) subscriber.reached(positionOf(cursor), epochOf(cursor));
  }

  /**
   * The handshake was accepted, and everything after the cursor follows. Who has no place to begin at begins there only
   * if the session has been there before; otherwise with what comes from now on, at `live`.
   */
  *accepted(request: Request, cursor: string, isKnown: boolean): Waits {
    for (const subscriber of this.#list()) subscriber.restart();
    if (isKnown) earlyBegin(request, cursor);
    for (const subscriber of this.#list())
      if (request.get(subscriber.key)?.isEarly && (isKnown || subscriber.cursor !== undefined))
        yield* subscriber.begin(positionOf(cursor), epochOf(cursor));
  }

  *live(request: Request, { cursor, denied }: LiveMessage): Waits {
    // What was sent comes back; nothing but too many of them at once has no name.
    for (const { subscription, code } of denied)
      if (subscription) this.deny(subscriptionKey(subscription), code);
    earlyBegin(request, cursor);
    yield* this.beginLate(request, cursor);
  }

  /** Those who wait for what the session has already: they begin with what comes next. */
  *beginLate(request: Request, cursor: string): Waits {
    for (const subscriber of this.#list()) {
      const begunAt = request.get(subscriber.key)?.begunAt;
      if (begunAt !== undefined)
        yield* subscriber.begin(Math.max(positionOf(cursor), begunAt), epochOf(cursor));
    }
  }

  /** Of all that the session has, or of those only for whose sake it has begun further back. */
  *reset(request: Request, reason: ResetReason, cursor: string, ofAll: boolean): Waits {
    const position = positionOf(cursor);
    for (const asked of request.values())
      if (asked.begunAt !== undefined) asked.begunAt = Math.min(asked.begunAt, position);
    for (const subscriber of this.#list()) {
      const asked = request.get(subscriber.key);
      const isServed = asked?.isEarly || asked?.begunAt !== undefined;
      const isBehind = subscriber.cursor !== undefined && isBefore(subscriber.cursor, cursor);
      if (ofAll ? isServed || !subscriber.wanted : isBehind && subscriber.wanted)
        yield* subscriber.reset(reason, position, epochOf(cursor));
    }
  }

  deny(key: string, code: Code): void {
    this.#asked.delete(key);
    for (const subscriber of this.#list()) if (subscriber.key === key) subscriber.deny(code);
  }

  #askForNew(isEarly: boolean): Asked[] {
    const all: Asked[] = [];
    for (const { key, scope, wanted } of this.#all) {
      if (!wanted || this.#asked.has(key)) continue;
      const asked: Asked = { scope, isEarly };
      this.#asked.set(key, asked);
      all.push(asked);
    }
    return all;
  }

  /** They come and go while one after the other is asked. */
  #list(): Subscriber[] {
    return [...this.#all];
  }
}

function earlyBegin(request: Request, cursor: string): void {
  for (const asked of request.values()) if (asked.isEarly) asked.begunAt ??= positionOf(cursor);
}
