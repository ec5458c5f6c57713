import type { EventDefinitions, EventMap, EventOf } from '../core/define-events.ts';
import type { Subscription } from '../core/subscription.ts';
import type { Store } from './cursor-store.ts';
import type { TransportOptions } from './link.ts';
import type { ConnectionState } from './state.ts';
import type { ErrorContext, Load, SubscriptionState } from './subscription-state.ts';
import type { Token } from './token.ts';

export interface ConnectOptions {
  /** A JWT; or a function that gets one: at the start, before it expires, and after it was refused. */
  token: Token;
  /** Of the server, such as `https://live.example.com`. Default: where the page comes from. */
  url?: string | undefined;
  /** One of the user's orgs, when the token does not name one. */
  org?: string | undefined;
  /** Where the cursor is kept. Default: `memory`. */
  store?: Store | undefined;
  /** Checks each event, and gives the handlers what the schemas make of its data. Without it they are only typed. */
  events?: EventDefinitions | undefined;
  /**
   * Events that may be received and not yet handled. With more, the connection is given up until the handlers have done
   * half of them; then the server goes on where it was. Default: 5,000.
   */
  maxBacklog?: number | undefined;
  /** Options of Socket.IO: `path`, `transports`, `extraHeaders`, `withCredentials`, `query`, `timeout`, `upgrade`. */
  transport?: TransportOptions | undefined;
}

export interface SubscribeOptions {
  /** Begins after this cursor, for a page that was made with one. Default: where the session is. */
  from?: string | undefined;
  /** Loads the state that the events go on from, at the start and after a `reset`. */
  load?: Load | undefined;
}

/** One subscription; a `for await` over it takes all its events. */
export interface SubscriptionHandle<Map extends EventMap = EventMap> extends AsyncIterable<EventOf<Map>> {
  readonly scope: Subscription;
  readonly state: SubscriptionState;
  /**
   * Calls the handler with each event of a type, or of all with `*`, in order, exactly once. A promise that it returns is
   * waited for before anything else is handled, and before the cursor moves. A handler that throws is tried again; after
   * the fifth time the subscription has failed. Data may have been erased: see `isErased`. Returns how to take it off.
   */
  on<Type extends keyof Map & string>(
    type: Type,
    handler: (event: EventOf<Map, Type>) => unknown,
  ): () => void;
  on(type: '*', handler: (event: EventOf<Map>) => unknown): () => void;
  /** Sets what loads the state when the server does not have what was missed; there is one. */
  onReset(load: Load): void;
  onState(listener: (state: SubscriptionState) => void): () => void;
  /** After `failed` or `denied`: goes on where it was. */
  retry(): void;
  unsubscribe(): void;
}

export interface CommitcastClient<Map extends EventMap = EventMap> {
  readonly state: ConnectionState;
  /** Resume token after the last event that all handlers have done. */
  readonly cursor: string | undefined;
  /** @throws `CURSOR_INVALID` when `from` is not a cursor */
  subscribe(scope: Subscription, options?: SubscribeOptions): SubscriptionHandle<Map>;
  onState(listener: (state: ConnectionState) => void): () => void;
  /** What goes wrong and is tried again, or given up. Without a listener it goes to `console.error`. */
  onError(listener: (error: unknown, context: ErrorContext) => void): () => void;
  /** Ephemeral messages of the server (`socketService.emitToOrg` and its like): at most once, in no order. */
  onMessage(name: string, listener: (...values: unknown[]) => void): () => void;
  /** Tries again at once: after `denied`, or while it is `offline`. */
  connect(): void;
  /** For ever. Resolves when the event in hand is done, if there is one. */
  close(): Promise<void>;
}
