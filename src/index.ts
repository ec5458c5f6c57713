export { append } from './log/append.ts';
export { revoke, type Revocation } from './log/revoke.ts';
export type { DrizzleTransaction, Transaction } from './log/transaction.ts';
export { migrate } from './db/migrate.ts';
export * as schema from './db/schema.ts';
export { setupSocketAuth, type IdentityOptions } from './gateway/setup-socket-auth.ts';
export type { Authorize } from './gateway/authorize.ts';
export { SocketService, type EphemeralMessages } from './gateway/socket-service.ts';
export type { Identity, Membership, SocketData } from './gateway/identity.ts';
export type { Claims, TokenOptions } from './gateway/token.ts';
export type { ClaimedIdentity } from './gateway/authenticate.ts';
export { codes, type Code } from './core/codes.ts';
export { CommitcastError } from './core/errors.ts';
export type { CommitcastEvent, NewEvent } from './core/event.ts';
export type { Subscription } from './core/subscription.ts';
export type {
  Ack,
  ClientToServerEvents,
  CloseMessage,
  HandshakeAuth,
  LiveMessage,
  ResetReason,
  ServerToClientEvents,
} from './core/protocol.ts';
export type { Executor } from './db/executor.ts';
