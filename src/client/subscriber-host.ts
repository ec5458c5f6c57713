import type { CommitcastEvent } from '../core/event.ts';
import type { Work } from './backlog.ts';
import type { ErrorContext } from './subscription-state.ts';

/** What a subscriber needs of its session. */
export interface SubscriberHost {
  /** After the last event that was received. */
  received(): string | undefined;
  /** Does something in its place among what was received. */
  inOrder(work: Work): void;
  /** The session is to begin again, early enough for everybody. */
  rewind(): void;
  /** What is wanted of the server has changed. */
  changed(): void;
  report(error: unknown, context: ErrorContext): void;
  parse(event: CommitcastEvent): CommitcastEvent;
  /** Events that may wait for one subscription. */
  readonly maxStashed: number;
  /** Aborted when the client is closed. */
  readonly closed: AbortSignal;
}
