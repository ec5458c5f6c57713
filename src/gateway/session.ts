import { Backoff } from '../core/backoff.ts';
import { formatCursor, type Cursor } from '../core/cursor.ts';
import type { Code } from '../core/codes.ts';
import { CommitcastError } from '../core/errors.ts';
import type { LiveMessage } from '../core/protocol.ts';
import { sleep } from '../core/sleep.ts';
import type { Subscription } from '../core/subscription.ts';
import { catchUp } from './catch-up.ts';
import type { Identity } from './identity.ts';
import type { Outlet } from './outlet.ts';
import { deniedNow } from './denied.ts';
import type { EventsFrame } from './events-frame.ts';
import { drained, maxUnsentBytes } from './outflow.ts';
import { Seam } from './seam.ts';
import type { SessionContext, SessionOptions } from './session-context.ts';
import { roomOf } from './rooms.ts';
import { byKey, including, listOf, refuseTooMany, without } from './subscription-list.ts';
import type { SubscriptionList } from './subscription-list.ts';

/** `slow`: it has left live delivery because it did not read, and catches up when it does. */
export type SessionState = 'catching-up' | 'live' | 'slow';

const noneDenied: LiveMessage['denied'] = [];

/**
 * One subscriber: what it is spoken to through, who it is, what it sees, and how far it has got.
 *
 *   catching-up --reached the dispatcher's position: join the rooms in the same tick--> live
 *        ^                                                                               |
 *        +----- too much is unsent: leave the rooms --------------------------------------+
 */
export class Session {
  readonly outlet: Outlet;
  identity: Identity;
  readonly #context: SessionContext;
  readonly #denied: LiveMessage['denied'];
  readonly #seam = new Seam();
  #subscriptions: SubscriptionList;
  #live = false;
  /** Has left its rooms because it did not read; until it is live again. */
  #slow = false;
  #toldPosition = -1;
  #toldAt = 0;

  constructor(context: SessionContext, { outlet, identity, subscriptions, denied }: SessionOptions) {
    this.#context = context;
    this.outlet = outlet;
    this.identity = identity;
    this.#denied = denied.length > 0 ? denied : noneDenied;
    this.#subscriptions = listOf(subscriptions);
  }

  get live(): boolean {
    return this.#live;
  }

  get state(): SessionState {
    return this.#live ? 'live' : this.#slow ? 'slow' : 'catching-up';
  }

  get subscriptions(): SubscriptionList {
    return this.#subscriptions;
  }

  /** Position and time (`performance.now()`) of the last cursor that was sent to this session alone. */
  get told(): { position: number; at: number } {
    return { position: this.#toldPosition, at: this.#toldAt };
  }

  /** Follows the log from the cursor on, or from now; returns when live, or when the session has ended. */
  async follow(cursor: Cursor | undefined): Promise<void> {
    const signal = this.#seam.untilEnd();
    const backoff = new Backoff();
    const progress = { cursor };
    while (!signal.aborted) {
      try {
        // Returns when it has joined, or when the session has ended; whoever leaves the rooms again follows anew.
        return await catchUp(this.#context.source, {
          progress,
          signal,
          org: this.identity.organizationId,
          seam: (position) => {
            this.#seam.reach(position);
            return this.subscriptions;
          },
          send: (message) => {
            this.#tellAt(message.position);
            this.outlet.deliver(message);
          },
          reset: (reason, position) => {
            this.outlet.emit('reset', { reason, cursor: this.#cursorAt(position) });
          },
          hasRoom: () => this.outlet.unsentBytes() <= maxUnsentBytes,
          drained: () => this.#drained(),
          join: (position) => {
            this.#join(position);
          },
        });
      } catch (error) {
        if (signal.aborted) return;
        this.#context.logger.warn(
          { err: error },
          'a catch-up was interrupted; it goes on when the log can be read',
        );
        await sleep(backoff.next(), signal);
      }
    }
  }

  /** Adds a subscription that is allowed; resolves with the position after which it is live. */
  subscribe(subscription: Subscription): Promise<number> {
    refuseTooMany(this.#subscriptions, this.#seam.size, subscription);
    return this.#atSeam(() => {
      // Revoked while `authorize` was asked, or while this waited.
      if (this.#context.denies(this.identity, subscription)) throw new CommitcastError('SUBSCRIPTION_DENIED');
      this.#subscriptions = including(this.#subscriptions, subscription);
      if (this.#live) this.outlet.join([this.#room(subscription)]);
    });
  }

  unsubscribe(subscription: Subscription): Promise<number> {
    return this.#atSeam(() => {
      this.#remove(subscription);
    });
  }

  /** Takes away what the identity has lost. In the same tick when live; else before the next page. */
  revoke(): void {
    const takeAway = () => {
      for (const subscription of this.subscriptions) {
        if (!this.#context.denies(this.identity, subscription)) continue;
        this.#remove(subscription);
        this.outlet.emit('revoked', { subscription });
      }
    };
    // What has ended meanwhile has nothing left to lose.
    this.#atSeam(takeAway).catch(() => undefined);
  }

  /** Resolves when every change that was asked for before this has been made. */
  settled(): Promise<unknown> {
    return this.#atSeam(() => undefined);
  }

  /** Tells where the stream stands, when it has moved past everything that this session got. */
  checkpoint(position: number): void {
    this.outlet.emit('checkpoint', { cursor: this.#cursorAt(position) });
  }

  /**
   * A client that does not read leaves its rooms, so that its memory is bounded and nobody waits for it; it has been
   * sent everything up to the dispatcher's position. When it has read that, it catches up from the log.
   */
  checkOutflow(): void {
    if (!this.#live || this.outlet.unsentBytes() <= maxUnsentBytes) return;
    const { epoch, position } = this.#context.source.dispatcher;
    this.#leave();
    this.#slow = true;
    this.#context.tally.slow += 1;
    void this.#drained().then(() => this.follow({ epoch, position }));
  }

  /** Live events; `false`: it is not live. Whoever does not read them leaves live delivery at once. */
  deliver(messages: readonly EventsFrame[]): boolean {
    if (!this.#live) return false;
    for (const message of messages) this.outlet.deliver(message);
    this.checkOutflow();
    return true;
  }

  close(code: Code): void {
    if (!this.#seam.ended) this.#context.tally.closed.add(code);
    // The transport may have bytes to deliver still, and outlive this.
    if (this.#live) this.#leave();
    this.outlet.end(code);
    this.end();
  }

  /** Without a word: the client comes back with its cursor. */
  cut(): void {
    this.outlet.cut();
    this.end();
  }

  /** The connection is gone. */
  end(): void {
    this.#live = false;
    this.#seam.end();
  }

  async #drained(): Promise<void> {
    const taken = await drained(this.outlet, this.#seam.untilEnd());
    if (!taken && !this.#seam.ended) this.close('SLOW_CONSUMER');
  }

  #remove(subscription: Subscription): void {
    this.#subscriptions = without(this.#subscriptions, subscription);
    if (this.#live) this.outlet.leave([this.#room(subscription)]);
  }

  #leave(): void {
    this.outlet.leave(this.#rooms());
    this.#live = false;
  }

  /** Now, or between two pages: never while one is being read for the subscriptions as they were. */
  #atSeam(change: () => void): Promise<number> {
    if (!this.#live) return this.#seam.wait(change);
    return new Promise((resolve) => {
      change();
      resolve(this.#context.source.dispatcher.position);
    });
  }

  #join(position: number): void {
    this.#seam.reach(position);
    this.outlet.join(this.#rooms());
    this.#live = true;
    this.#slow = false;
    this.#seam.rest();
    const cursor = this.#cursorAt(position);
    const denied = deniedNow(this.#denied, byKey(this.#subscriptions));
    this.outlet.emit('live', { cursor, subscriptions: [...this.#subscriptions], denied });
  }

  #rooms(): string[] {
    return this.#subscriptions.map((subscription) => this.#room(subscription));
  }

  #room(subscription: Subscription): string {
    return roomOf(this.identity.organizationId, subscription);
  }

  #cursorAt(position: number): string {
    this.#tellAt(position);
    return formatCursor({ epoch: this.#context.source.dispatcher.epoch, position });
  }

  #tellAt(position: number): void {
    this.#toldPosition = position;
    this.#toldAt = performance.now();
  }
}
