import type { CommitcastEvent } from '../core/event.ts';
import type { Work } from './backlog.ts';
import type { ErrorContext } from './subscription-state.ts';

/** What the parts of a session need of their client. */
export interface SessionOptions {
  /** Events that may be received and not handled; and that may wait for one subscription. */
  readonly maxBacklog: number;
  /** Aborted when the client is closed. */
  readonly closed: AbortSignal;
  readonly parse: (event: CommitcastEvent) => CommitcastEvent;
  readonly report: (error: unknown, context?: ErrorContext) => void;
  /** What is wanted of the server has changed. */
  readonly changed: () => void;
  /** The session is to begin again, early enough for everybody. */
  readonly rewind: () => void;
}

/** What a subscriber needs of its session. */
export interface SubscriberHost {
  readonly options: SessionOptions;
  /** After the last event that was received. */
  readonly received: string | undefined;
  /** Does something in its place among what was received. */
  inOrder(work: Work): void;
}
