import { CodedError } from '../core/coded-error.ts';
import type { Code } from '../core/codes.ts';
import type { CommitcastEvent } from '../core/event.ts';
import type { ResetReason } from '../core/protocol.ts';
import { sees } from '../core/sees.ts';
import { subscriptionKey, type Subscription } from '../core/subscription.ts';
import { positionOf } from './cursor.ts';
import { Handlers, type AnyHandler, type Handed } from './handlers.ts';
import { iterate } from './iterate.ts';
import { Listeners } from './listeners.ts';
import { passing } from './passing.ts';
import { Place } from './place.ts';
import { delayBefore, maxTries } from './retry.ts';
import { runLoad } from './run-load.ts';
import { Stash } from './stash.ts';
import type { SubscriberHost } from './subscriber-host.ts';
import type { Load, LoadReason, SubscriptionState } from './subscription-state.ts';

type Waits = Iterable<Promise<void> | void>;

/**
 * One subscription of the application: which events reach its handlers, and how far it is.
 *
 *   waiting --begins at a position--> (loading -->) active
 *      ^                                  |           |
 *      +--- a gap: the session rewinds ---+           +--> failed, denied --retry--> waiting
 *
 * While it waits or loads, what comes for it is stashed.
 */
export class Subscriber {
  readonly scope: Subscription;
  readonly key: string;
  readonly #host: SubscriberHost;
  readonly #handlers = new Handlers();
  readonly #states = new Listeners<[SubscriptionState]>();
  readonly #ended = new AbortController();
  readonly #over: AbortSignal;
  readonly #stash: Stash;
  #state: SubscriptionState = { name: 'waiting' };
  readonly #place = new Place();
  /** What came after this was stashed. */
  #begunAt = 0;
  #load: Load | undefined;
  /** Why it is to load when it begins. */
  #loadFor: LoadReason | undefined;
  #loading = new AbortController();
  #resetsInVain = 0;
  #denials = 0;

  /** `after`: a cursor after which everything is owed to it. */
  constructor(host: SubscriberHost, scope: Subscription, after: string | undefined, load: Load | undefined) {
    this.#host = host;
    this.#over = AbortSignal.any([host.options.closed, this.#ended.signal]);
    this.#stash = new Stash(host.options.maxBacklog);
    this.scope = scope;
    this.key = subscriptionKey(scope);
    this.#load = load;
    if (load) this.#loadFor = 'start';
    this.#place.expect(after, host.received);
  }

  get state(): SubscriptionState {
    return this.#state;
  }

  /** Whether the server is asked for it. */
  get wanted(): boolean {
    return ['waiting', 'loading', 'active'].includes(this.#state.name);
  }

  get cursor(): string | undefined {
    return this.#place.cursor;
  }

  /** Whether it loads where it begins, and so needs no cursor to be kept. */
  get loads(): boolean {
    return this.#load !== undefined;
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

  /** An event of the session, in order. What it returns is to be waited for. */
  deliver(event: CommitcastEvent, epoch: string): Promise<void> | void {
    const { name } = this.#state;
    if (event.position <= this.#place.after) return undefined;
    if (!sees(this.scope, event)) this.reached(event.position, epoch);
    else if (name === 'active') return this.#hand(event, epoch);
    else if (this.wanted) this.#stash.keep(event);
    return undefined;
  }

  /** The session has handed out everything up to `position`. */
  reached(position: number, epoch: string): void {
    if (this.#state.name === 'active') this.#place.moveTo(Math.max(position, this.#place.after), epoch);
  }

  /** What was stashed comes again, or does not concern it. */
  restart(): void {
    if (this.#state.name !== 'waiting') return;
    this.#stash.take();
    this.#place.seenAfter = 0;
  }

  /** From there on the session has everything of this scope. */
  *begin(from: number, epoch: string): Waits {
    if (this.#state.name !== 'waiting') return;
    const { after, seenAfter, isOwed, epoch: known } = this.#place;
    const position = Math.max(from, seenAfter);
    if (isOwed && known !== epoch) {
      yield* this.reset('epoch', position, epoch);
      return;
    }
    if (isOwed && position > after) return this.#host.options.rewind();
    this.#place.moveTo(known === epoch ? Math.max(position, after) : position, epoch);
    this.#begunAt = this.#place.after;
    if (this.#load && this.#loadFor) return this.#startLoad(this.#load, this.#loadFor);
    yield* this.#goOn(this.#begunAt, epoch);
  }

  /** What follows what it has is not to be had; the session goes on after `position`. */
  *reset(reason: ResetReason, position: number, epoch: string): Waits {
    // For `retry`: what is loaded needs nothing of before. Who does not load asks for it then, and is told so.
    const isFirst = this.#loadFor === 'start';
    if (this.#load && !isFirst) this.#loadFor = reason;
    if (!this.wanted) return;
    this.#stash.take();
    this.#place.moveTo(position, epoch);
    this.#begunAt = position;
    this.#resetsInVain += 1;
    if (!this.#load) {
      this.#host.options.report(gone(reason), { subscription: this });
      yield* this.#goOn(position, epoch);
    } else if (this.#resetsInVain > maxTries) this.#set({ name: 'failed', error: gone(reason) });
    else this.#startLoad(this.#load, isFirst ? 'start' : reason);
  }

  deny(code: Code): void {
    if (!this.wanted) return;
    const state = { name: 'denied', code } as const;
    this.#set(state);
    this.#host.options.report(new CodedError(code, `Not allowed: ${this.key}`), { subscription: this });
    if (!passing.has(code)) return;
    void delayBefore(++this.#denials, this.#over).then(() => {
      if (this.#state === state) this.retry();
    });
  }

  /** After `failed` or `denied`: from where it was. */
  retry(): void {
    const { name } = this.#state;
    if (name !== 'failed' && name !== 'denied') return;
    this.#resetsInVain = 0;
    // What is to be loaded, or is lost, needs no history before it.
    if (this.#loadFor !== undefined) this.#place.expect(undefined, this.#host.received);
    this.#place.wait(this.#host.received);
    this.#set({ name: 'waiting' });
    this.#host.options.changed();
    // One that was denied asks first: when it is granted, `begin` goes further back.
    if (this.#place.isOwed && name === 'failed') this.#host.options.rewind();
  }

  unsubscribe(): void {
    if (this.#state.name === 'ended') return;
    this.#set({ name: 'ended' });
    this.#ended.abort();
    this.#states.clear();
  }

  [Symbol.asyncIterator](): AsyncGenerator<CommitcastEvent, void> {
    return iterate(this, this.#host.options.closed);
  }

  #startLoad(load: Load, reason: LoadReason): void {
    this.#loadFor = reason;
    this.#loading.abort();
    const { signal } = (this.#loading = new AbortController());
    this.#set({ name: 'loading' });
    void runLoad(load, {
      reason,
      signal,
      inVain: this.#resetsInVain - 1,
      received: () => this.#host.received,
      onError: (error, tries) => this.#host.options.report(error, { subscription: this, tries }),
    }).then((tried) => {
      if (!tried || signal.aborted) return;
      if ('error' in tried) this.#set({ name: 'failed', error: tried.error });
      else this.#host.inOrder(() => (signal.aborted ? undefined : this.#loaded(tried.result)));
    });
  }

  *#loaded(cursor: string | undefined): Waits {
    this.#loadFor = undefined;
    yield* this.#goOn(cursor === undefined ? this.#begunAt : positionOf(cursor), this.#place.epoch);
  }

  /** Everything after `position` is to be handled, and nothing before. */
  *#goOn(position: number, epoch: string): Waits {
    const stashed = this.#stash.take();
    this.#place.moveTo(position, epoch);
    if (position < this.#begunAt || !stashed) {
      this.#set({ name: 'waiting' });
      this.#host.options.rewind();
      return;
    }
    this.#resetsInVain = 0;
    this.#denials = 0;
    this.#set({ name: 'active' });
    for (const event of stashed) if (!this.#host.options.closed.aborted) yield this.deliver(event, epoch);
  }

  #hand(event: CommitcastEvent, epoch: string): Promise<void> | void {
    const handed = this.#handlers.hand(event, {
      parse: this.#host.options.parse,
      wanted: () => this.#state.name === 'active',
      signal: this.#over,
      onError: (error, tries) => this.#host.options.report(error, { subscription: this, event, tries }),
    });
    const settle = (tried: Handed) => {
      if (!tried || this.#state.name !== 'active') return;
      if (tried !== true && 'error' in tried) this.#set({ name: 'failed', error: tried.error });
      else this.#place.moveTo(event.position, epoch);
    };
    return handed instanceof Promise ? handed.then(settle) : settle(handed);
  }

  #set(state: SubscriptionState): void {
    if (state.name !== 'loading') this.#loading.abort();
    this.#state = state;
    if (!this.wanted) {
      this.#stash.take();
      this.#host.options.changed();
    }
    this.#states.tell(state);
  }
}

function gone(reason: LoadReason): CodedError {
  return new CodedError('HISTORY_EXPIRED', `What was missed is gone: ${reason}`);
}
