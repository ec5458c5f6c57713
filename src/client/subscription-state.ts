import type { Code } from '../core/codes.ts';

/**
 * How a subscription stands. `waiting`: for the server to begin, or to begin again further back. `loading`: its state is
 * being loaded, events wait. `active`: events reach the handlers. `denied`: the server does not allow it, or does not any
 * more. `failed`: a handler or a load has thrown five times, or the history was gone; what follows is kept back, for
 * `retry()`. `ended`: after `unsubscribe()`, or with its client.
 */
export type SubscriptionState =
  | { readonly name: 'waiting' | 'loading' | 'active' | 'ended' }
  | { readonly name: 'denied'; readonly code: Code }
  | { readonly name: 'failed'; readonly error: unknown };

/** Why a state has to be loaded: at the start, or because the server does not have, or never had, what was missed. */
export type LoadReason = 'start' | 'expired' | 'epoch' | 'unknown';

/**
 * Loads the application's state and returns the cursor that the state stands for (`snapshot()` on the server gives
 * both): the subscription goes on after it, with no hole and nothing twice. Without a cursor it goes on where it is.
 * One that throws is tried again, five times.
 */
export type Load = (context: {
  readonly reason: LoadReason;
  /** Aborted when the result is of no use any more. */
  readonly signal: AbortSignal;
}) => string | void | Promise<string | void>;

/** What an error is about. */
export interface ErrorContext {
  readonly subscription?: { readonly scope: object } | undefined;
  readonly event?: { readonly position: number; readonly type: string } | undefined;
  /** How often it was tried; after the fifth time the subscription has failed. */
  readonly tries?: number | undefined;
}
