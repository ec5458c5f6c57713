export { append, type AppendOptions } from './log/append.ts';
export { once } from './log/once.ts';
export { revoke, type Revocation } from './log/revoke.ts';
export { snapshot, type SnapshotOptions } from './log/snapshot.ts';
export { erase, type Erasure } from './log/erase.ts';
export { isErased, type Tombstone } from './core/erased.ts';
export {
  defineEvents,
  type DefinedEvent,
  type EventDefinitions,
  type EventMap,
  type EventOf,
  type EventsOf,
  type Schemas,
} from './core/define-events.ts';
export type { Schema } from './core/schema.ts';
export type { VersionedSchema } from './core/versioned-schema.ts';
export type { DriverTransaction } from './log/driver-executors.ts';
export type { DrizzleTransaction, Queryable, Transaction } from './log/transaction.ts';
export { readStream, type ReadStreamOptions, type StreamName } from './log/read-stream.ts';
export { readLog, type ReadLogOptions } from './log/read-log.ts';
export { fold, type EventContent } from './stream/fold.ts';
export { loadState, type LoadedState, type LoadStateOptions, type SaveOptions } from './stream/load-state.ts';
export { execute, type Decided, type Decider, type Executed, type ExecuteTarget } from './stream/decider.ts';
export { migrate } from './db/migrate.ts';
export * as schema from './db/schema.ts';
export {
  setupSocketAuth,
  type IdentityOptions,
  type SocketAuthOptions,
} from './gateway/setup-socket-auth.ts';
export type { Authorize } from './gateway/authorize.ts';
export { SocketService, type EphemeralMessages } from './gateway/socket-service.ts';
export type { Identity, Membership, SocketData } from './gateway/identity.ts';
export type { Claims, TokenOptions } from './gateway/token.ts';
export type { ClaimedIdentity } from './gateway/authenticate.ts';
export { codes, type Code } from './core/codes.ts';
export { CommitcastError, VersionConflictError } from './core/errors.ts';
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
export { consume, createWorker, type Worker, type WorkerOptions } from './http/worker.ts';
export { projectionCursor, type ProjectionCursorOptions } from './consumer/projection-cursor.ts';
export {
  askParked,
  pauseConsumer,
  removeConsumer,
  requestRebuild,
  resumeConsumer,
  rewindConsumer,
  type ParkedChoice,
} from './consumer/operate.ts';
export { listConsumers, type ConsumerPartition } from './consumer/list-consumers.ts';
export { listParked, type ParkedDetail } from './consumer/list-parked.ts';
export type { Consume, ConsumerHandle } from './consumer/consumers.ts';
export type { PartitionStatus } from './consumer/consumer.ts';
export type { TransactionalDatabase } from './consumer/database.ts';
export type { ConsumeOptions, Erased, Handler, HandlerContext } from './consumer/options.ts';
export type { Logger } from './core/logger.ts';
