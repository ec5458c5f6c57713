import type { Subscription } from '../../../../src/client/index.ts';

/** What a test asks of a page, in its query. */
export interface PageOptions {
  scope: Subscription;
  /** Where the server is; without it, where the page is from. */
  url?: string;
  /** Milliseconds that the handler works on an event; without it, it returns at once. */
  workMs?: number;
  maxBacklog?: number;
  /** A token that is at hand; without it `/token` is asked. */
  token?: string;
  /** How often the token function throws before it asks. */
  tokenThrows?: number;
  /** Loads its state from `/snapshot` when history is gone; without it there is no `onReset`. */
  loads?: boolean;
}
