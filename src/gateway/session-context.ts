import type { Logger } from '../core/logger.ts';
import type { LiveMessage } from '../core/protocol.ts';
import type { Subscription } from '../core/subscription.ts';
import type { CatchUpSource } from './catch-up.ts';
import type { Identity } from './identity.ts';
import type { Outlet } from './outlet.ts';
import type { SessionTally } from './session-tally.ts';

export interface SessionOptions {
  outlet: Outlet;
  identity: Identity;
  /** What the handshake asked for and may have, beside the org's own events. */
  subscriptions: readonly Subscription[];
  denied: LiveMessage['denied'];
}

/** What all sessions of an instance share. */
export interface SessionContext {
  source: CatchUpSource;
  /** Whether a subscription has been revoked. Asked in the tick in which it would begin. */
  denies: (identity: Identity, subscription: Subscription) => boolean;
  tally: SessionTally;
  logger: Logger;
}
