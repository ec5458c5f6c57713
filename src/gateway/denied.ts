import type { LiveMessage } from '../core/protocol.ts';
import { subscriptionKey, type Subscription } from '../core/subscription.ts';

type Denied = LiveMessage['denied'];

/** The scopes among what a handshake was denied; what is malformed is none. */
export function deniedScopes(denied: Denied): Subscription[] {
  return denied
    .filter(({ code }) => code !== 'SUBSCRIPTION_INVALID')
    .map(({ subscription }) => subscription as Subscription);
}

/** Without what has been allowed since: `live` comes again in the life of a session. */
export function deniedNow(denied: Denied, has: ReadonlyMap<string, Subscription>): Denied {
  return denied.filter(
    ({ subscription, code }) =>
      code === 'SUBSCRIPTION_INVALID' || !has.has(subscriptionKey(subscription as Subscription)),
  );
}
