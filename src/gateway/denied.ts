import type { Code } from '../core/codes.ts';
import type { LiveMessage } from '../core/protocol.ts';
import { subscriptionKey, type Subscription } from '../core/subscription.ts';

type Denied = LiveMessage['denied'];

/** What of a handshake was denied, without what is malformed. */
export function deniedScopes(denied: Denied): { subscription: Subscription; code: Code }[] {
  return denied
    .filter(({ code }) => code !== 'SUBSCRIPTION_INVALID')
    .map(({ subscription, code }) => ({ subscription: subscription as Subscription, code }));
}

/** Without what has been allowed since: `live` comes again in the life of a session. */
export function deniedNow(denied: Denied, has: ReadonlyMap<string, Subscription>): Denied {
  return denied.filter(
    ({ subscription, code }) =>
      code === 'SUBSCRIPTION_INVALID' || !has.has(subscriptionKey(subscription as Subscription)),
  );
}
