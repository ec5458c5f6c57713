import { CodedError } from '../core/coded-error.ts';
import type { ResetReason } from '../core/protocol.ts';
import { subscriptionKey, type Subscription } from '../core/subscription.ts';
import type { ConnectOptions, SubscribeOptions } from './api.ts';
import { isCursor } from './cursor.ts';
import { storeOf } from './cursor-store.ts';
import { Inbox } from './inbox.ts';
import { Link, type LinkListener } from './link.ts';
import { Listeners } from './listeners.ts';
import { watchPage } from './page-signals.ts';
import { Progress } from './progress.ts';
import { longestDelayMs, transition, type ConnectionEvent, type ConnectionState } from './state.ts';
import { Subscriber } from './subscriber.ts';
import type { ErrorContext } from './subscription-state.ts';
import { TokenSource } from './token.ts';

type Connecting = Extract<ConnectionState, { name: 'connecting' }>;

/** Does what the states ask for, with one link at a time. SPEC.md has the states; `CommitcastClient` says what is public. */
export class Client {
  readonly #options: ConnectOptions;
  readonly #progress: Progress;
  readonly #tokens: TokenSource;
  readonly #inbox: Inbox;
  readonly #closed = new AbortController();
  readonly #states = new Listeners<[ConnectionState]>();
  readonly #errors = new Listeners<[unknown, ErrorContext]>();
  readonly #messages = new Listeners<[string, unknown[]]>();
  #state: ConnectionState = { name: 'connecting', attempt: 0, renew: false };
  #link: Link | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #updating = false;

  constructor(options: ConnectOptions) {
    const { token, url = '', store, events, maxBacklog = 5_000 } = options;
    const progress = new Progress(storeOf(store, options.org === undefined ? url : `${url}#${options.org}`));
    const closed = this.#closed.signal;
    this.#options = options;
    this.#progress = progress;
    this.#tokens = new TokenSource(token);
    this.#inbox = new Inbox({
      progress,
      maxBacklog,
      closed,
      parse: (event) => events?.parse(event) ?? event,
      report: (error, context) => this.#report(error, context),
      changed: () => this.#update(),
      rewind: () => this.#happen({ type: 'rewind' }),
      drained: () => this.#happen({ type: 'drained' }),
    });
    const wake = () => {
      this.#happen({ type: 'wake' });
      this.#link?.probe();
    };
    watchPage(closed, wake, () => this.#happen({ type: 'lost', reason: { message: 'page hidden' } }));
    // The application makes its subscriptions first.
    queueMicrotask(() => this.#enter(this.#state));
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get cursor(): string | undefined {
    return this.#progress.cursor;
  }

  subscribe(scope: Subscription, { from, load }: SubscribeOptions = {}): Subscriber {
    if (from !== undefined && !isCursor(from)) throw new CodedError('CURSOR_INVALID', 'Not a cursor');
    // One that loads begins with what it loads.
    const left = load ? undefined : this.#progress.takeLeft(subscriptionKey(scope));
    const after = load ? undefined : (from ?? left);
    const subscriber = new Subscriber(this.#inbox, scope, after, load);
    this.#inbox.subscribers.add(subscriber);
    if (this.#closed.signal.aborted) subscriber.unsubscribe();
    this.#update();
    return subscriber;
  }

  onState(listener: (state: ConnectionState) => void): () => void {
    return this.#states.add(listener);
  }

  onError(listener: (error: unknown, context: ErrorContext) => void): () => void {
    return this.#errors.add(listener);
  }

  onMessage(name: string, listener: (...values: unknown[]) => void): () => void {
    return this.#messages.add((sent, values) => {
      if (sent === name) listener(...values);
    });
  }

  connect(): void {
    this.#happen({ type: 'connect' });
  }

  /** Resolves when the event that is in hand, if there is one, is done: it counts, and all after it do not. */
  async close(): Promise<void> {
    this.#happen({ type: 'close' });
    this.#closed.abort();
    await this.#inbox.close();
  }

  #report(error: unknown, context: ErrorContext = {}): void {
    if (this.#errors.size > 0) this.#errors.tell(error, context);
    else console.error('Commitcast:', error);
  }

  #happen(event: ConnectionEvent): void {
    const before = this.#state;
    const state = transition(before, event);
    if (state === before) return;
    this.#state = state;
    this.#enter(state);
    this.#states.tell(state);
  }

  #enter(state: ConnectionState): void {
    clearTimeout(this.#timer);
    if (state.name === 'catching-up' || state.name === 'live') return;
    this.#link?.end();
    this.#link = undefined;
    if (state.name === 'connecting') void this.#open(state);
    if (state.name !== 'offline' || state.until !== 'due') return;
    const { attempt, reason } = state;
    const delayMs = (reason.retryAfterMs ?? 0) + Math.random() * longestDelayMs(attempt);
    this.#timer = setTimeout(() => this.#happen({ type: 'due' }), delayMs);
  }

  async #open(state: Connecting): Promise<void> {
    const { url, org, transport } = this.#options;
    let token: string;
    try {
      token = await this.#tokens.get(state.renew);
    } catch (error) {
      if (this.#state !== state) return;
      this.#report(error);
      if (error instanceof CodedError)
        this.#happen({ type: 'refused', reason: error.toJSON(), retry: false });
      else this.#happen({ type: 'lost', reason: { message: 'no token' } });
      return;
    }
    if (this.#state !== state) return;
    const { received, subscribers } = this.#inbox;
    const cursor = subscribers.beginning(received);
    const known = { protocol: 1, retries: true } as const;
    const auth = { ...known, token, org, cursor, subscriptions: subscribers.handshake() };
    this.#link = new Link(url, auth, transport, this.#listen(cursor));
  }

  #listen(cursor: string | undefined): LinkListener {
    const inbox = this.#inbox;
    const reset = (reason: ResetReason, goesOnAfter: string) => {
      if (inbox.reset(reason, goesOnAfter)) return this.#happen({ type: 'replaying' });
      // Not before those have been reset who were behind: it would begin there again.
      const link = this.#link;
      link?.end();
      inbox.inOrder(() => {
        if (link === this.#link) this.#happen({ type: 'rewind' });
      });
    };
    return {
      accepted: () => {
        this.#happen({ type: 'accepted' });
        if (cursor !== undefined) inbox.begin(cursor);
        this.#update();
      },
      events: (events, until) => {
        if (inbox.isStrange(until)) return reset('epoch', until);
        inbox.events(events, until);
        if (inbox.isFull) this.#happen({ type: 'overflow' });
      },
      live: (message) => {
        if (inbox.isStrange(message.cursor)) return reset('epoch', message.cursor);
        const link = this.#link;
        inbox.live(message, () => {
          if (link === this.#link) this.#happen({ type: 'live' });
        });
        this.#update();
      },
      reset: ({ reason, cursor: goesOnAfter }) => reset(reason, goesOnAfter),
      checkpoint: ({ cursor: settled }) => inbox.checkpoint(settled),
      revoked: ({ subscription, code = 'SUBSCRIPTION_DENIED' }) => {
        // Without one it is the whole org: `close` follows.
        if (subscription) inbox.denied(subscription, code);
      },
      'token-expiring': () => void this.#renew(),
      message: (name, values) => this.#messages.tell(name, values),
      refused: (reason, retry) => this.#happen({ type: 'refused', reason, retry }),
      lost: (reason) => this.#happen({ type: 'lost', reason }),
    };
  }

  /** Once for all that change in the same tick: who goes and comes back at once is not noticed. */
  #update(): void {
    if (this.#updating) return;
    this.#updating = true;
    queueMicrotask(() => {
      this.#updating = false;
      const { name } = this.#state;
      const link = this.#link;
      if (!link || (name !== 'catching-up' && name !== 'live')) return;
      const { subscribe, unsubscribe } = this.#inbox.subscribers.changes();
      for (const scope of unsubscribe) link.request('unsubscribe', scope);
      for (const asked of subscribe)
        link.request('subscribe', asked.scope, (answer) => {
          if (answer.ok) this.#inbox.answered(asked, answer.cursor);
          else this.#inbox.denied(asked.scope, answer.error.code);
        });
      this.#inbox.beginLate();
    });
  }

  async #renew(): Promise<void> {
    const link = this.#link;
    if (!this.#tokens.renewable) return;
    try {
      const token = await this.#tokens.get(true);
      if (link !== this.#link) return;
      // When it is refused, the session goes on to the end of the old one, and asks again then.
      link?.request('authenticate', { token }, (answer) => {
        if (!answer.ok) this.#report(new CodedError(answer.error.code, answer.error.message));
      });
    } catch (error) {
      this.#report(error);
    }
  }
}
