import type { Code } from '../core/codes.ts';
import type { CommitcastEvent } from '../core/event.ts';
import type { LiveMessage, ResetReason } from '../core/protocol.ts';
import { subscriptionKey, type Subscription } from '../core/subscription.ts';
import { epochOf, positionOf } from './cursor.ts';
import type { Subscriber } from './subscriber.ts';

type Waits = Iterable<Promise<void> | void>;

/** Every session has the org's own events: nobody asks for them, and nobody can give them back. */
const orgKey = subscriptionKey({});

/** All subscriptions of the application, over one session: several of the same scope are one on the wire. */
export class Subscribers {
  readonly #all = new Set<Subscriber>();
  /** Over the present link: what the server was asked for, and whether it is known where it begins. */
  readonly #asked = new Map<string, { scope: Subscription; begun: boolean }>();

  add(subscriber: Subscriber): void {
    this.#all.add(subscriber);
  }

  endAll(): void {
    for (const subscriber of this.#list()) subscriber.unsubscribe();
    this.#all.clear();
  }

  /** What a handshake asks for. */
  handshake(): Subscription[] {
    this.#asked.clear();
    this.#ask(orgKey, {});
    return this.#askForNew();
  }

  /** What is to be asked for now, and what nobody wants any more. */
  changes(): { subscribe: Subscription[]; unsubscribe: Subscription[] } {
    for (const subscriber of this.#all) if (subscriber.state.name === 'ended') this.#all.delete(subscriber);
    const unsubscribe: Subscription[] = [];
    for (const [key, { scope }] of this.#asked) {
      if (key === orgKey || this.#list().some((each) => each.key === key && each.wanted)) continue;
      this.#asked.delete(key);
      unsubscribe.push(scope);
    }
    return { subscribe: this.#askForNew(), unsubscribe };
  }

  /** Where a session has to begin, so that everybody gets what follows what they have: at `base`, or earlier. */
  beginning(base: string | undefined): string | undefined {
    let first = base;
    for (const { isBehind, cursor } of this.#all) {
      if (!isBehind || cursor === undefined) continue;
      // One of another history is told so when the session has begun.
      if (
        first === undefined ||
        (epochOf(cursor) === epochOf(first) && positionOf(cursor) < positionOf(first))
      )
        first = cursor;
    }
    return first;
  }

  *deliver(event: CommitcastEvent): Waits {
    for (const subscriber of this.#list()) yield subscriber.deliver(event);
  }

  haveDone(event: CommitcastEvent): boolean {
    return this.#list().every((subscriber) => subscriber.hasDone(event));
  }

  /**
   * The handshake was accepted, and everything after the cursor follows. Who has no place to begin at begins there only
   * if the session has been there before; otherwise with what comes from now on, at `live`.
   */
  accepted(cursor: string, isKnown: boolean): () => Waits {
    for (const [key, asked] of this.#asked)
      asked.begun = isKnown || this.#list().every((each) => each.key !== key || each.cursor !== undefined);
    return () => this.#begin(cursor);
  }

  *live({ cursor, subscriptions, denied }: LiveMessage): Waits {
    // What was sent comes back; nothing but too many of them at once has no name.
    for (const { subscription, code } of denied)
      if (subscription) this.deny(subscriptionKey(subscription), code);
    const keys = new Set(subscriptions.map(subscriptionKey));
    for (const [key, asked] of this.#asked) asked.begun ||= keys.has(key);
    yield* this.#begin(cursor);
  }

  /** The server has answered: everything of this scope after the cursor follows. */
  begun(scope: Subscription): void {
    const asked = this.#asked.get(subscriptionKey(scope));
    if (asked) asked.begun = true;
  }

  /** Whether somebody waits for something that has begun already. */
  get waiting(): boolean {
    return this.#list().some((each) => each.state.name === 'waiting' && this.#asked.get(each.key)?.begun);
  }

  *begin(cursor: string, scope?: Subscription): Waits {
    yield* this.#begin(cursor, scope && subscriptionKey(scope));
  }

  *reset(reason: ResetReason, cursor: string): Waits {
    for (const subscriber of this.#list()) yield* subscriber.reset(reason, positionOf(cursor));
  }

  deny(key: string, code: Code): void {
    this.#asked.delete(key);
    for (const subscriber of this.#list()) if (subscriber.key === key) subscriber.deny(code);
  }

  *#begin(cursor: string, key?: string): Waits {
    for (const subscriber of this.#list()) {
      if (key !== undefined && subscriber.key !== key) continue;
      if (this.#asked.get(subscriber.key)?.begun)
        yield* subscriber.begin(positionOf(cursor), epochOf(cursor));
    }
  }

  #askForNew(): Subscription[] {
    const asked: Subscription[] = [];
    for (const { key, scope, wanted } of this.#all) {
      if (!wanted || this.#asked.has(key)) continue;
      this.#ask(key, scope);
      asked.push(scope);
    }
    return asked;
  }

  #ask(key: string, scope: Subscription): void {
    this.#asked.set(key, { scope, begun: false });
  }

  /** They come and go while one after the other is asked. */
  #list(): Subscriber[] {
    return [...this.#all];
  }
}
