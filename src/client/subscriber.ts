import { CodedError } from '../core/coded-error.ts';
import type { Code } from '../core/codes.ts';
import type { CommitcastEvent } from '../core/event.ts';
import type { ResetReason } from '../core/protocol.ts';
import { sees } from '../core/sees.ts';
import { subscriptionKey, type Subscription } from '../core/subscription.ts';
import { cursorAt, epochOf, positionOf } from './cursor.ts';
import { Handlers, type AnyHandler, type Handed } from './handlers.ts';
import { iterate } from './iterate.ts';
import { Listeners } from './listeners.ts';
import { passing } from './passing.ts';
import { delayBefore, maxTries } from './retry.ts';
import { runLoad } from './run-load.ts';
import { Stash } from './stash.ts';
import type { SubscriberHost } from './subscriber-host.ts';
import type { Load, LoadReason, SubscriptionState } from './subscription-state.ts';

type Waits = Iterable<Promise<void> | void>;

/**
 * One subscription of the application: which events reach its handlers, and from where on.
 *
 *   waiting --begins at a position--> (loading -->) active
 *      ^                                  |           |
 *      +--- a gap: the session rewinds ---+           +--> failed, denied --retry--> waiting
 *
 * While it waits or loads, what comes for it is stashed; what the loaded state knows already is dropped then.
 */
export class Subscriber {
  readonly scope: Subscription;
  readonly key: string;
  readonly #handlers = new Handlers();
  readonly #host: SubscriberHost;
  readonly #states = new Listeners<[SubscriptionState]>();
  readonly #ended = new AbortController();
  readonly #over: AbortSignal;
  readonly #stash: Stash;
  #state: SubscriptionState = { name: 'waiting' };
  #after: number | undefined;
  /** The history that `#after` was given in, until the session has begun. */
  #epoch: string | undefined;
  /** Where the server began, for this one. */
  #begunAt = 0;
  /** Waits for the session to begin again at or before `#after`. */
  #rewinding = false;
  #load: Load | undefined;
  #loadFor: LoadReason | undefined;
  #loading = new AbortController();
  /** In a row, without an event between them. */
  #resets = 0;
  #denials = 0;

  constructor(host: SubscriberHost, scope: Subscription, from: string | undefined, load: Load | undefined) {
    this.#host = host;
    this.#over = AbortSignal.any([host.closed, this.#ended.signal]);
    this.#stash = new Stash(() => host.maxStashed());
    this.scope = scope;
    this.key = subscriptionKey(scope);
    this.#load = load;
    if (load) this.#loadFor = 'start';
    if (from === undefined) return;
    this.#after = positionOf(from);
    this.#epoch = epochOf(from);
    this.#rewinding = true;
  }

  get state(): SubscriptionState {
    return this.#state;
  }

  /** Whether the server is asked for it. */
  get wanted(): boolean {
    return ['waiting', 'loading', 'active'].includes(this.#state.name);
  }

  /** All up to here is done, or not wanted; `undefined`: it begins where the server does. */
  get cursor(): string | undefined {
    const epoch = this.#epoch ?? this.#host.epoch();
    return epoch === undefined || this.#after === undefined ? undefined : cursorAt(epoch, this.#after);
  }

  /** Whether the session must begin at, or before, its cursor. */
  get isBehind(): boolean {
    return this.#rewinding && this.wanted;
  }

  on(type: string, handler: AnyHandler): () => void {
    return this.#handlers.add(type, handler);
  }

  onState(listener: (state: SubscriptionState) => void): () => void {
    return this.#states.add(listener);
  }

  onReset(load: Load | undefined): void {
    this.#load = load;
  }

  hasDone(event: CommitcastEvent): boolean {
    return this.#state.name !== 'active' || !this.#concerns(event);
  }

  /** An event of the session, in order. What it returns is to be waited for. */
  deliver(event: CommitcastEvent): Promise<void> | void {
    if (!this.#concerns(event)) return undefined;
    const { name } = this.#state;
    if (name === 'active') return this.#hand(event);
    if ((name === 'waiting' && !this.#rewinding) || name === 'loading') this.#stash.keep(event);
    return undefined;
  }

  /** From `position` on the session has everything of this scope. */
  *begin(position: number, epoch: string): Waits {
    if (this.#state.name !== 'waiting') return;
    if (this.#epoch !== undefined && this.#epoch !== epoch) {
      yield* this.reset('epoch', position);
      return;
    }
    if (this.#rewinding && position > (this.#after ?? position)) return this.#host.rewind();
    this.#rewinding = false;
    this.#begunAt = position;
    if (this.#load && this.#loadFor) this.#startLoad(this.#load, this.#loadFor);
    else yield* this.#goOn(this.#after ?? position);
  }

  /** What follows what it has is not to be had; the session goes on after `position`. */
  *reset(reason: ResetReason, position: number): Waits {
    const isFirst = this.#loadFor === 'start';
    if (this.#state.name === 'failed' && !isFirst) this.#loadFor = reason;
    if (!this.wanted) return;
    this.#stash.take();
    this.#after = position;
    this.#epoch = undefined;
    this.#begunAt = position;
    this.#rewinding = false;
    this.#resets += 1;
    const gone = new CodedError('HISTORY_EXPIRED', `What was missed is gone: ${reason}`);
    if (!this.#load) {
      this.#host.report(gone, { subscription: this });
      yield* this.#goOn(position);
    } else if (this.#resets > maxTries) this.#fail(gone);
    else this.#startLoad(this.#load, isFirst ? 'start' : reason);
  }

  deny(code: Code): void {
    if (!this.wanted) return;
    const state = { name: 'denied', code } as const;
    this.#stash.take();
    this.#set(state);
    this.#host.report(new CodedError(code, `Not allowed: ${this.key}`), { subscription: this });
    if (!passing.has(code)) return;
    void delayBefore(++this.#denials, this.#over).then(() => {
      if (this.#state === state) this.retry();
    });
  }

  /** After `failed` or `denied`: from where it was. */
  retry(): void {
    if (this.#state.name !== 'failed' && this.#state.name !== 'denied') return;
    this.#resets = 0;
    // What is to be loaded needs no history before it.
    if (this.#loadFor !== undefined) this.#after = undefined;
    this.#rewinding = this.#after !== undefined;
    this.#set({ name: 'waiting' });
    this.#host.failed(this.key, undefined);
    this.#host.changed();
    if (this.#rewinding) this.#host.rewind();
  }

  unsubscribe(): void {
    if (this.#state.name === 'ended') return;
    this.#set({ name: 'ended' });
    this.#ended.abort();
    this.#stash.take();
    this.#states.clear();
  }

  [Symbol.asyncIterator](): AsyncGenerator<CommitcastEvent, void> {
    return iterate(this);
  }

  #concerns(event: CommitcastEvent): boolean {
    return event.position > (this.#after ?? -1) && sees(this.scope, event);
  }

  #startLoad(load: Load, reason: LoadReason): void {
    this.#loadFor = reason;
    this.#loading.abort();
    const { signal } = (this.#loading = new AbortController());
    this.#set({ name: 'loading' });
    void runLoad(load, {
      reason,
      signal,
      inVain: this.#resets - 1,
      epoch: () => this.#host.epoch(),
      onError: (error, tries) => this.#host.report(error, { subscription: this, tries }),
    }).then((tried) => {
      if (!tried) return;
      if ('error' in tried) this.#fail(tried.error);
      else this.#host.inOrder(() => (signal.aborted ? undefined : this.#loaded(tried.result)));
    });
  }

  *#loaded(cursor: string | undefined): Waits {
    this.#loadFor = undefined;
    yield* this.#goOn(cursor === undefined ? this.#begunAt : positionOf(cursor));
  }

  /** Everything after `position` is to be handled, and nothing before. */
  *#goOn(position: number): Waits {
    this.#after = position;
    this.#epoch = undefined;
    const { isWhole } = this.#stash;
    const stashed = this.#stash.take();
    if (position < this.#begunAt || !isWhole) {
      this.#rewinding = true;
      this.#set({ name: 'waiting' });
      this.#host.rewind();
      return;
    }
    this.#denials = 0;
    this.#set({ name: 'active' });
    for (const event of stashed) yield this.deliver(event);
  }

  #hand(event: CommitcastEvent): Promise<void> | void {
    const handed = this.#handlers.hand(event, {
      parse: (each) => this.#host.parse(each),
      wanted: () => this.#state.name === 'active',
      signal: this.#over,
      onError: (error, tries) => this.#host.report(error, { subscription: this, event, tries }),
    });
    const settle = (handed: Handed) => {
      if (!handed) return;
      if (handed !== true && 'error' in handed) this.#fail(handed.error);
      if (this.#state.name !== 'active') return;
      this.#after = event.position;
      this.#resets = 0;
    };
    return handed instanceof Promise ? handed.then(settle) : settle(handed);
  }

  #fail(error: unknown): void {
    if (!this.wanted) return;
    this.#set({ name: 'failed', error });
    if (!this.#load) this.#host.failed(this.key, this.cursor);
  }

  #set(state: SubscriptionState): void {
    if (state.name !== 'loading') this.#loading.abort();
    this.#state = state;
    if (!this.wanted) this.#host.changed();
    this.#states.tell(state);
  }
}
