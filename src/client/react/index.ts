export { CommitcastProvider, type CommitcastProviderProps } from './provider.ts';
export { useCommitcast } from './context.ts';
export type { Register, RegisteredEvents } from './register.ts';
export { useConnection } from './use-connection.ts';
export { useEvents, type EventHandlers } from './use-events.ts';
export { useSubscription, type Reducer, type Snapshot, type Subscribed } from './use-subscription.ts';
