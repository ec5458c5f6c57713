import type { Socket } from 'socket.io';
import { parseCursor, type Cursor } from '../core/cursor.ts';
import { toPublicError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { LiveMessage } from '../core/protocol.ts';
import { parseSubscription, subscriptionKey, type Subscription } from '../core/subscription.ts';
import type { Authenticate } from './authenticate.ts';
import type { Authorize } from './authorize.ts';
import { toSocketData, type Identity } from './identity.ts';
import { maxSubscriptions } from './session.ts';

export interface Handshake {
  identity: Identity;
  cursor: Cursor | undefined;
  subscriptions: Subscription[];
  denied: LiveMessage['denied'];
}

/** What a handshake asks for, found out before the connection exists. Throws coded errors only. */
export async function readHandshake(
  socket: Socket,
  authenticate: Authenticate,
  authorize: Authorize,
): Promise<Handshake> {
  const auth = socket.handshake.auth as Record<string, unknown>;
  const identity = await authenticate(auth['token'], auth['org']);
  const cursor =
    auth['cursor'] === undefined || auth['cursor'] === null ? undefined : parseCursor(auth['cursor']);
  return { identity, cursor, ...(await sortSubscriptions(auth['subscriptions'], identity, authorize)) };
}

/** A middleware of Socket.IO that refuses with `connect_error` and `data.code`. */
export function handshakeMiddleware(accept: (socket: Socket) => Promise<Identity>, logger: Logger) {
  return (socket: Socket, next: (error?: Error) => void): void => {
    accept(socket).then(
      (identity) => {
        Object.assign(socket.data as object, toSocketData(identity));
        next();
      },
      (error: unknown) => {
        const refusal = toPublicError(error);
        if (refusal.code === 'INTERNAL') logger.error({ err: error }, 'a handshake failed');
        else logger.debug({ code: refusal.code }, 'a handshake was refused');
        next(refusal);
      },
    );
  };
}

/** A subscription that is denied, or malformed, never refuses the connection: `live` lists it with its code. */
async function sortSubscriptions(
  wanted: unknown,
  identity: Identity,
  authorize: Authorize,
): Promise<Pick<Handshake, 'subscriptions' | 'denied'>> {
  const subscriptions = new Map<string, Subscription>();
  const denied: Handshake['denied'] = [];
  if (wanted === undefined || wanted === null) return { subscriptions: [], denied };
  if (!Array.isArray(wanted))
    return { subscriptions: [], denied: [{ subscription: null, code: 'SUBSCRIPTION_INVALID' }] };
  for (const item of wanted.slice(0, maxSubscriptions) as unknown[]) {
    try {
      const subscription = parseSubscription(item);
      if (await authorize(identity, subscription))
        subscriptions.set(subscriptionKey(subscription), subscription);
      else denied.push({ subscription, code: 'SUBSCRIPTION_DENIED' });
    } catch (error) {
      denied.push({ subscription: item, code: toPublicError(error).code });
    }
  }
  return { subscriptions: [...subscriptions.values()], denied };
}
