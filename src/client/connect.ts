import { CodedError } from '../core/coded-error.ts';
import type { EventDefinitions, EventMap, EventOf, EventsOf, Schemas } from '../core/define-events.ts';
import type { Subscription } from '../core/subscription.ts';
import { Client } from './client.ts';
import { isCursor } from './cursor.ts';
import { storeOf, type Store } from './cursor-store.ts';
import type { AnyHandler } from './handlers.ts';
import { iterate } from './iterate.ts';
import type { TransportOptions } from './link.ts';
import { Progress } from './progress.ts';
import type { ConnectionState } from './state.ts';
import type { Subscriber } from './subscriber.ts';
import type { ErrorContext, Load, SubscriptionState } from './subscription-state.ts';
import { TokenSource, type Token } from './token.ts';

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

/**
 * Connects to a Commitcast server, and stays connected: what is committed reaches the handlers in commit order, none
 * missed, none twice, over lost connections, restarts, sleeping laptops and tokens that expire.
 *
 * @example
 * const client = connect({ token: () => fetch('/token').then((answer) => answer.text()) });
 * client.subscribe({ unit: 'truck-7' }).on('door.opened', ({ data, time }) => show(data, time));
 */
export function connect<Of extends Schemas>(
  options: ConnectOptions & { events: EventDefinitions<Of> },
): CommitcastClient<EventsOf<EventDefinitions<Of>>>;
export function connect<Map extends EventMap = EventMap>(options: ConnectOptions): CommitcastClient<Map>;
export function connect(options: ConnectOptions): CommitcastClient {
  const { token, url, org, store = 'memory', events, maxBacklog = 5_000, transport = {} } = options;
  const progress = new Progress(storeOf(store, url ?? ''));
  const client = new Client({
    url,
    org,
    tokens: new TokenSource(token),
    progress,
    parse: (event) => (events ? events.parse(event) : event),
    transport,
    maxBacklog,
  });
  return {
    get state() {
      return client.state;
    },
    get cursor() {
      return progress.cursor;
    },
    subscribe(scope, { from, load } = {}) {
      if (from !== undefined && !isCursor(from))
        throw new CodedError('CURSOR_INVALID', 'from is not a cursor');
      return handleOf(client.subscribe(scope, from, load));
    },
    onState: (listener) => client.states.add(listener),
    onError: (listener) => client.errors.add(listener),
    onMessage: (name, listener) =>
      client.messages.add((sent, values) => {
        if (sent === name) listener(...values);
      }),
    connect: () => client.connect(),
    close: () => client.close(),
  };
}

function handleOf(subscriber: Subscriber): SubscriptionHandle {
  return {
    scope: subscriber.scope,
    get state() {
      return subscriber.state;
    },
    // What comes over the wire is of the declared types if the server holds to them.
    on: (type: string, handler: unknown) => subscriber.handlers.add(type, handler as AnyHandler),
    onReset: (load) => subscriber.onReset(load),
    onState: (listener) => subscriber.onState(listener),
    retry: () => subscriber.retry(),
    unsubscribe: () => subscriber.end(),
    [Symbol.asyncIterator]: () => iterate(subscriber) as AsyncGenerator<EventOf<EventMap>>,
  };
}
