import { formatCursor } from '../core/cursor.ts';
import type { Code } from '../core/codes.ts';
import { CommitcastError, toPublicError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Ack } from '../core/protocol.ts';
import { parseSubscription, subscriptionKey, type Subscription } from '../core/subscription.ts';
import type { Authorize } from './authorize.ts';
import { isFlooded, type EngineConnection } from './engine-connection.ts';
import { toSocketData, type Identity } from './identity.ts';
import type { ClientLimits } from './limits.ts';
import type { Rights } from './rights.ts';
import type { Session } from './session.ts';
import type { ClientSocket } from './client-socket.ts';
import { Turns } from './turns.ts';

export interface RequestOptions {
  /** Throws when the socket has none any more. */
  sessionOf: (socket: ClientSocket) => Session;
  rights: Pick<Rights, 'authenticate' | 'authorize'>;
  limits: Pick<ClientLimits, 'request'>;
  epoch: () => string;
  /** The session has a new token: its time, and its rights, are new. */
  onIdentity: (session: Session) => void;
  /** Told of each refusal. */
  onRefusal: (code: Code) => void;
  logger: Logger;
}

/**
 * Answers what clients ask for. Anything may come in: every argument is looked at, every failure is answered. The
 * listeners are the same for all sockets, and find out from `this` whose request it is: an idle socket pays for none.
 */
export function requestServer(options: RequestOptions): (socket: ClientSocket) => void {
  const { rights, limits, epoch } = options;
  const turns = new Turns();
  const cursorAt = (position: number) => ({ cursor: formatCursor({ epoch: epoch(), position }) });

  const subscribe = serve(options, 'subscribe', async (session, argument) => {
    limits.request(session.outlet.id);
    const subscription = parseSubscription(argument);
    return turns.take(session, subscriptionKey(subscription), async () => {
      if (!(await mayHave(session, rights.authorize, subscription)))
        throw new CommitcastError('SUBSCRIPTION_DENIED');
      return cursorAt(await session.subscribe(subscription));
    });
  });
  const unsubscribe = serve(options, 'unsubscribe', async (session, argument) => {
    // Counted apart: who may subscribe so often may leave as often.
    limits.request(`${session.outlet.id} unsubscribe`);
    const subscription = parseSubscription(argument);
    refuseLeavingOrg(subscription);
    // Or one that is sent right after its `subscribe` would be over before that has begun.
    return turns.take(session, subscriptionKey(subscription), async () =>
      cursorAt(await session.unsubscribe(subscription)),
    );
  });
  const authenticate = serve(options, 'authenticate', async (session, argument, socket) => {
    limits.request(session.outlet.id);
    const token = (argument as { token?: unknown } | null | undefined)?.token;
    // The last one that was sent is in force in the end; and each may ask for the rights of a thousand subscriptions.
    return turns.take(session, 'authenticate', async () => {
      const identity = await renew(options, session, token);
      Object.assign(socket.data, toSocketData(identity));
      return {};
    });
  });
  return (socket) => {
    socket.on('subscribe', subscribe).on('unsubscribe', unsubscribe).on('authenticate', authenticate);
  };
}

/** Asks `authorize`; and once more when the session has got a new identity while the answer was under way. */
export async function mayHave(
  session: Session,
  authorize: Authorize,
  subscription: Subscription,
): Promise<boolean> {
  let identity: Identity;
  let allowed: boolean;
  do {
    identity = session.identity;
    allowed = await authorize(identity, subscription);
  } while (identity !== session.identity);
  return allowed;
}

/** A new token for the same user and org. Rights are asked anew; what is not allowed any more ends. */
async function renew(
  { rights, onIdentity }: RequestOptions,
  session: Session,
  token: unknown,
): Promise<Identity> {
  const identity = await rights.authenticate(token, session.identity.organizationId);
  if (identity.userId !== session.identity.userId) {
    throw new CommitcastError('TOKEN_INVALID', 'The token is of another user');
  }
  // From here on whoever asks is asked with the new rights; what was allowed by the old ones is looked at below.
  session.identity = identity;
  onIdentity(session);
  try {
    await session.settled();
    for (const subscription of session.subscriptions) {
      if (subscriptionKey(subscription) === subscriptionKey({})) continue;
      if (await rights.authorize(identity, subscription)) continue;
      await session.unsubscribe(subscription);
      session.outlet.emit('revoked', { subscription });
    }
  } catch (error) {
    // What the new identity may have is not known: nothing more until it is asked from the beginning.
    session.close('RIGHTS_CHANGED');
    throw error;
  }
  return identity;
}

function serve(
  { sessionOf, onRefusal, logger }: RequestOptions,
  name: string,
  answer: (session: Session, argument: unknown, socket: ClientSocket) => Promise<object>,
) {
  // Not the types that are declared: those are what a well-behaved client sends.
  return function (this: ClientSocket, ...values: unknown[]): void {
    const acknowledge = values.at(-1);
    const ack: Ack = (result) => {
      if (typeof acknowledge === 'function') (acknowledge as Ack)(result);
      if (isFlooded(this.conn as unknown as EngineConnection)) this.conn.close(true);
    };
    const asked = async () =>
      answer(sessionOf(this), typeof values[0] === 'function' ? undefined : values[0], this);
    asked().then(
      (result) => {
        ack({ ok: true, ...result });
      },
      (error: unknown) => {
        const refusal = toPublicError(error);
        onRefusal(refusal.code);
        if (refusal.code === 'INTERNAL') logger.error({ err: error, request: name }, 'a request failed');
        ack({ ok: false, error: refusal.toJSON() });
      },
    );
  };
}

/** @throws {CommitcastError} `SUBSCRIPTION_INVALID` for the org's own events, which every session has */
export function refuseLeavingOrg(subscription: Subscription): void {
  if (subscriptionKey(subscription) === subscriptionKey({})) {
    throw new CommitcastError('SUBSCRIPTION_INVALID', "Every session has the org's own events");
  }
}
