import type { CommitcastEvent } from '../core/event.ts';
import type { Subscription } from '../core/subscription.ts';

/** What a tail follows, and whom it tells. */
export interface TailRequest {
  org: string | undefined;
  subscription: Subscription | undefined;
  cursor: string | undefined;
  fromStart: boolean;
  print: (event: CommitcastEvent, cursor: string) => void;
  /** Something that is no event: it goes to standard error. */
  tell: (line: string) => void;
  signal: AbortSignal;
}
