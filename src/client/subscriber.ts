import { CodedError } from '../core/coded-error.ts';
import type { Code } from '../core/codes.ts';
import type { CommitcastEvent } from '../core/event.ts';
import type { ResetReason } from '../core/protocol.ts';
import { sees } from '../core/sees.ts';
import { subscriptionKey, type Subscription } from '../core/subscription.ts';
import { epochOf, positionOf } from './cursor.ts';
import { Handlers, type Handed } from './handlers.ts';
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
  readonly handlers = new Handlers();
  readonly #host: SubscriberHost;
  readonly #states = new Listeners<[SubscriptionState]>();
  readonly #ended = new AbortController();
  readonly #over: AbortSignal;
  readonly #stash: Stash;
  #state: SubscriptionState = { name: 'waiting' };
  /** All up to here is done, or not wanted; `undefined`: it begins where the server does. */
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

  get after(): number | undefined {
    return this.#after;
  }

  get loads(): boolean {
    return this.#load !== undefined;
  }

  /** Where the session must begin for this one, if it must. */
  get from(): { epoch: string | undefined; position: number } | undefined {
    const position = this.#rewinding && this.wanted ? this.#after : undefined;
    return position === undefined ? undefined : { epoch: this.#epoch, position };
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
    if (this.#rewinding && position > (this.#after ?? position)) {
      this.#host.rewind();
      return;
    }
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
    const gone = () => new CodedError('HISTORY_EXPIRED', `What was missed is not to be had (${reason})`);
    if (!this.#load) {
      this.#host.report(gone(), { subscription: this });
      yield* this.#goOn(position);
    } else if (this.#resets > maxTries) this.#fail(gone());
    else this.#startLoad(this.#load, isFirst ? 'start' : reason);
  }

  deny(code: Code): void {
    if (!this.wanted) return;
    const state = { name: 'denied', code } as const;
    this.#stash.take();
    this.#set(state);
    const message = `The server does not allow the subscription ${this.key}`;
    this.#host.report(new CodedError(code, message), { subscription: this });
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
    this.#host.recovered(this);
    this.#host.changed();
    if (this.#rewinding) this.#host.rewind();
  }

  end(): void {
    if (this.#state.name === 'ended') return;
    this.#set({ name: 'ended' });
    this.#ended.abort();
    this.#stash.take();
    this.#states.clear();
  }

  #concerns(event: CommitcastEvent): boolean {
    return event.position > (this.#after ?? -1) && sees(this.scope, event);
  }

  #startLoad(load: Load, reason: LoadReason): void {
    this.#loadFor = reason;
    this.#loading.abort();
    this.#loading = new AbortController();
    this.#set({ name: 'loading' });
    void this.#runLoad(load, reason, this.#loading.signal);
  }

  async #runLoad(load: Load, reason: LoadReason, signal: AbortSignal): Promise<void> {
    const result = await runLoad(load, {
      reason,
      signal,
      inVain: this.#resets - 1,
      epoch: () => this.#host.epoch(),
      onError: (error, tries) => this.#host.report(error, { subscription: this, tries }),
    });
    if (!result) return;
    if ('error' in result) this.#fail(result.error);
    else this.#host.inOrder(() => (signal.aborted ? [] : this.#loaded(result.result)));
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
    const handed = this.handlers.hand(event, {
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
    this.#host.failed(this);
  }

  #set(state: SubscriptionState): void {
    if (state.name !== 'loading') this.#loading.abort();
    this.#state = state;
    if (!this.wanted) this.#host.changed();
    this.#states.tell(state);
  }
}
