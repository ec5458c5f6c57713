export { connect } from './connect.ts';
export type { CommitcastClient, ConnectOptions, SubscribeOptions, SubscriptionHandle } from './api.ts';
export { sessionStore, type CursorStore, type Store } from './cursor-store.ts';
export type { TransportOptions } from './link.ts';
export type { ConnectionState, Reason } from './state.ts';
export type { ErrorContext, Load, LoadReason, SubscriptionState } from './subscription-state.ts';
export type { Token } from './token.ts';
export { CodedError } from '../core/coded-error.ts';
export {
  defineEvents,
  type EventDefinitions,
  type EventMap,
  type EventOf,
  type EventsOf,
  type Schemas,
} from '../core/define-events.ts';
export type { Schema } from '../core/schema.ts';
export type { VersionedSchema } from '../core/versioned-schema.ts';
export { isErased, type Tombstone } from '../core/erased.ts';
export type { Code } from '../core/codes.ts';
export type { CommitcastEvent } from '../core/event.ts';
export type { Subscription } from '../core/subscription.ts';
