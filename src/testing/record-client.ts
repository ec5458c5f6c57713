import type { Socket } from 'socket.io-client';
import type { ServerToClientEvents } from '../core/protocol.ts';
import type { Subscription } from '../core/subscription.ts';
import type { ClientHistory, SeenEvent, Step } from './history.ts';

/** The history of a client that is being written. */
export interface ClientRecord extends ClientHistory {
  /** What it would come back with now. */
  readonly cursor: string | undefined;
  /** All events that came, in the order of their coming. */
  readonly events: readonly SeenEvent[];
  /** Position of the revocation of all its rights, once the test knows it. */
  revokedAt: number | undefined;
  /** Takes its listeners off, and gives the socket its `auth` back. Idempotent. */
  stop(): void;
}

export interface RecordOptions {
  /** For the findings. Default: `client`. */
  name?: string;
  /** The org of its token. */
  org: string;
  /** Default: those of the socket's `auth`, where it is an object. */
  subscriptions?: readonly Subscription[];
  /** The same client on a socket of before, such as a page before its reload: goes on with its cursor and steps. */
  continues?: ClientRecord;
}

type Auth = Record<string, unknown>;

/**
 * Writes down what happens to a stock Socket.IO client, for `checkHistory`, and gives every connection that it makes
 * the cursor of the last. Call it before `connect()`.
 *
 * @example
 * const socket = io(url, { autoConnect: false, auth: { token, subscriptions: [{ deep: true }] } });
 * const alice = recordClient(socket, { name: 'alice', org: 'acme' });
 * socket.connect();
 */
export function recordClient(
  socket: Socket<ServerToClientEvents>,
  { name = 'client', org, continues, ...options }: RecordOptions,
): ClientRecord {
  const given = socket.auth;
  const subscriptions = options.subscriptions ?? subscriptionsOf(given);
  const steps: Step[] = [...(continues?.steps ?? [])];
  let cursor = continues?.cursor;
  /** What the connection that is being made has sent. */
  let sent: string | undefined;

  const auth = (send: (auth: Auth) => void) => {
    const withCursor = (auth: object) => {
      // What came in the instant of a disconnect is handed out at the next connect; and so is its replay.
      socket.receiveBuffer = [];
      const whole: Auth = cursor === undefined ? { ...auth } : { ...auth, cursor };
      sent = typeof whole['cursor'] === 'string' ? whole['cursor'] : undefined;
      send(whole);
    };
    if (typeof given === 'function') given(withCursor);
    else withCursor(given);
  };
  socket.auth = auth;

  const listeners = {
    connect: () => {
      steps.push({ kind: 'connected', cursor: sent });
    },
    events: (events, next) => {
      steps.push({ kind: 'events', events, cursor: next });
      cursor = next;
    },
    live: (message) => {
      steps.push({ kind: 'live', cursor: message.cursor });
      cursor = message.cursor;
    },
    reset: ({ reason, cursor: next }) => {
      steps.push({ kind: 'reset', reason, cursor: next });
      cursor = next;
    },
    checkpoint: (message) => {
      cursor = message.cursor;
    },
    revoked: ({ subscription }) => {
      steps.push({ kind: 'revoked', subscription });
    },
    disconnect: () => {
      steps.push({ kind: 'dropped' });
    },
  } satisfies Partial<ServerToClientEvents> & Record<'connect' | 'disconnect', () => void>;
  // One listener a name; that each fits its name, `satisfies` says above.
  const names = Object.keys(listeners) as (keyof typeof listeners)[];
  for (const event of names) socket.on(event, listeners[event]);

  return {
    name,
    org,
    subscriptions,
    steps,
    revokedAt: undefined,
    get cursor() {
      return cursor;
    },
    get events() {
      return steps.flatMap((step) => (step.kind === 'events' ? step.events : []));
    },
    stop() {
      for (const event of names) socket.off(event, listeners[event]);
      if (socket.auth === auth) socket.auth = given;
    },
  };
}

function subscriptionsOf(auth: Socket['auth']): readonly Subscription[] {
  const subscriptions = typeof auth === 'function' ? undefined : (auth['subscriptions'] as unknown);
  return Array.isArray(subscriptions) ? (subscriptions as Subscription[]) : [];
}
