import { parseCursor, type Cursor } from '../core/cursor.ts';
import type { Code } from '../core/codes.ts';
import { toPublicError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { HandshakeAuth, LiveMessage } from '../core/protocol.ts';
import { expectProtocol } from '../core/protocol-unsupported-error.ts';
import { parseSubscription, subscriptionKey, type Subscription } from '../core/subscription.ts';
import type { Authorize } from './authorize.ts';
import type { Identity } from './identity.ts';
import type { Rights } from './rights.ts';
import { maxSubscriptions } from './subscription-list.ts';

export interface Handshake {
  identity: Identity;
  cursor: Cursor | undefined;
  subscriptions: Subscription[];
  denied: LiveMessage['denied'];
}

/** A handshake's `auth` as it came: nothing in it has been looked at. */
export type UnreadHandshake = Readonly<Partial<Record<keyof HandshakeAuth, unknown>>>;

/**
 * What a handshake asks for, found out before the connection exists. Throws coded errors only. Which protocol it speaks
 * comes first: that says how to read the rest.
 */
export async function readHandshake(
  auth: UnreadHandshake,
  { authenticate, authorize }: Pick<Rights, 'authenticate' | 'authorize'>,
  logger: Logger,
): Promise<Handshake> {
  expectProtocol(auth.protocol);
  const identity = await authenticate(auth.token, auth.org);
  const cursor = auth.cursor === undefined || auth.cursor === null ? undefined : parseCursor(auth.cursor);
  const sorted = await sortSubscriptions(auth.subscriptions, (subscription) =>
    decide(authorize, identity, subscription, logger),
  );
  return { identity, cursor, ...sorted };
}

/** A subscription that is denied, or malformed, never refuses the connection: `live` lists it with its code. */
async function sortSubscriptions(
  wanted: unknown,
  decideOn: (subscription: Subscription) => Promise<Code | undefined>,
): Promise<Pick<Handshake, 'subscriptions' | 'denied'>> {
  const subscriptions = new Map<string, Subscription>();
  const denied: Handshake['denied'] = [];
  const asked = new Set<string>();
  if (wanted === undefined || wanted === null) return { subscriptions: [], denied };
  if (!Array.isArray(wanted) || wanted.length > 2 * maxSubscriptions)
    return { subscriptions: [], denied: [{ subscription: null, code: 'SUBSCRIPTION_INVALID' }] };
  for (const item of wanted as unknown[]) {
    let subscription: Subscription;
    try {
      subscription = parseSubscription(item);
    } catch (error) {
      denied.push({ subscription: echo(item), code: toPublicError(error).code });
      continue;
    }
    const key = subscriptionKey(subscription);
    if (asked.has(key)) continue;
    asked.add(key);
    // The org's own events, which every session has, are one of them.
    const isFull = subscriptions.size >= maxSubscriptions - 1;
    const code = isFull ? 'SUBSCRIPTION_DENIED' : await decideOn(subscription);
    if (code === undefined) subscriptions.set(key, subscription);
    else denied.push({ subscription, code });
  }
  return { subscriptions: [...subscriptions.values()], denied };
}

async function decide(
  authorize: Authorize,
  identity: Identity,
  subscription: Subscription,
  logger: Logger,
): Promise<Code | undefined> {
  try {
    return (await authorize(identity, subscription)) ? undefined : 'SUBSCRIPTION_DENIED';
  } catch (error) {
    const { code } = toPublicError(error);
    if (code === 'INTERNAL') logger.error({ err: error }, 'authorize failed');
    return code;
  }
}

/** What was sent, for whoever looks for the mistake; but nothing so deep that it could not be sent back. */
function echo(value: unknown): unknown {
  const isPlain =
    typeof value !== 'object' ||
    value === null ||
    Object.values(value).every((field) => typeof field !== 'object' || field === null);
  return isPlain ? value : null;
}
