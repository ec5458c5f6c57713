import type { Code } from '../core/codes.ts';

/** Why the connection is in the state that it is in. */
export interface Reason {
  /** A code of the server; absent when the network, or the token function, is the reason. */
  readonly code?: Code | undefined;
  readonly message: string;
  /** The server wants no other attempt before: milliseconds. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * The state of a connection; SPEC.md has the whole table.
 *
 *   connecting --accepted--> catching-up --live--> live
 *     ^    ^                      ^                 | |
 *     |    +--- rewind, renew ----+-- replaying <---+ |
 *     +-- due, wake, drained -- offline <--- lost ----+
 *
 *   from anywhere: `denied` when the server refuses for good (until `connect`), `closed` for ever
 */
export type ConnectionState =
  | {
      readonly name: 'connecting';
      /** Attempts that have failed since it was last live. */
      readonly attempt: number;
      /** Whether a new token is asked for first. */
      readonly renew: boolean;
    }
  | { readonly name: 'catching-up'; readonly attempt: number }
  | { readonly name: 'live' }
  | {
      readonly name: 'offline';
      readonly attempt: number;
      readonly reason: Reason;
      /** What ends it, beside `connect`: a delay, or that the handlers have done what was received. */
      readonly until: 'due' | 'drained';
    }
  | { readonly name: 'denied'; readonly reason: Reason }
  | { readonly name: 'closed' };

/** What can happen to a connection. */
export type ConnectionEvent =
  /** The application asks for another attempt. */
  | { readonly type: 'connect' }
  /** The handshake was accepted: replay begins. */
  | { readonly type: 'accepted' }
  /** All that was replayed has been handled. */
  | { readonly type: 'live' }
  /** Replay begins anew on the same connection. */
  | { readonly type: 'replaying' }
  /** A subscription needs what came before: the session connects again with an earlier cursor. */
  | { readonly type: 'rewind' }
  /** The transport has ended, or never came about. */
  | { readonly type: 'lost'; readonly reason: Reason }
  /** The server has refused the handshake, or ended the session, and said why. */
  | { readonly type: 'refused'; readonly reason: Reason & { readonly code: Code }; readonly retry: boolean }
  /** The delay is over. */
  | { readonly type: 'due' }
  /** The page is shown again, or the network is back. */
  | { readonly type: 'wake' }
  /** More was received than the handlers have done, up to the limit. */
  | { readonly type: 'overflow' }
  /** The handlers have done it. */
  | { readonly type: 'drained' }
  | { readonly type: 'close' };

const overflowed: Reason = {
  code: 'SLOW_CONSUMER',
  message: 'Handlers are behind',
};

/** `TOKEN_REQUIRED`, `TOKEN_INVALID`, `TOKEN_EXPIRED`: a new token may mend it. */
function isMendedByToken({ code }: Reason): boolean {
  return code?.startsWith('TOKEN_') === true;
}

/** What becomes of a connection. The same object when nothing does: events that come too late are no news. */
export function transition(state: ConnectionState, event: ConnectionEvent): ConnectionState {
  if (state.name === 'closed') return state;
  if (event.type === 'close') return { name: 'closed' };
  switch (state.name) {
    case 'connecting':
      switch (event.type) {
        case 'accepted':
          return { name: 'catching-up', attempt: state.attempt };
        case 'rewind':
          return { ...state };
        case 'lost':
          return offline(state.attempt, event.reason);
        case 'refused':
          // A token that was got for this attempt is not worth another at once.
          return isMendedByToken(event.reason) && !state.renew
            ? { name: 'connecting', attempt: state.attempt, renew: true }
            : refused(state.attempt, event);
        default:
          return state;
      }
    case 'catching-up':
      if (event.type === 'live') return { name: 'live' };
      return whileConnected(state, state.attempt, event);
    case 'live':
      if (event.type === 'replaying') return { name: 'catching-up', attempt: 0 };
      return whileConnected(state, 0, event);
    case 'offline': {
      const again =
        state.until === 'drained' ? event.type === 'drained' : event.type === 'due' || event.type === 'wake';
      return again || event.type === 'connect'
        ? { name: 'connecting', attempt: state.attempt, renew: isMendedByToken(state.reason) }
        : state;
    }
    case 'denied':
      return event.type === 'connect' ? { name: 'connecting', attempt: 0, renew: true } : state;
  }
}

function whileConnected(state: ConnectionState, attempt: number, event: ConnectionEvent): ConnectionState {
  switch (event.type) {
    case 'rewind':
      return { name: 'connecting', attempt, renew: false };
    case 'lost':
      return offline(attempt, event.reason);
    case 'refused':
      // With a delay: tokens that expire as soon as they are accepted must not make a loop without one.
      return isMendedByToken(event.reason) ? offline(attempt, event.reason) : refused(attempt, event);
    case 'overflow':
      return { name: 'offline', attempt, reason: overflowed, until: 'drained' };
    default:
      return state;
  }
}

function offline(attempt: number, reason: Reason): ConnectionState {
  return { name: 'offline', attempt: attempt + 1, reason, until: 'due' };
}

function refused(
  attempt: number,
  { reason, retry }: Extract<ConnectionEvent, { type: 'refused' }>,
): ConnectionState {
  return retry ? offline(attempt, reason) : { name: 'denied', reason };
}

/** Milliseconds: the longest wait after so many failed attempts. The wait itself is drawn from 0 up to it. */
export function longestDelayMs(attempt: number): number {
  return Math.min(20_000, 250 * 2 ** attempt);
}
