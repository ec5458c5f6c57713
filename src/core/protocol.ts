import type { Code } from './codes.ts';
import type { CommitcastEvent } from './event.ts';
import type { Subscription } from './subscription.ts';

/** One `events` message carries at most so many events, or so many bytes of them. */
export const maxBatchEvents = 500;
export const maxBatchBytes = 512 * 1024;

/** The versions of the wire that a server speaks. */
export const protocols = [1] as const;

export type Protocol = (typeof protocols)[number];

/** What a client sends as `auth` of the Socket.IO handshake. */
export interface HandshakeAuth {
  token: string;
  /** Version of the wire; without it, 1. */
  protocol?: Protocol;
  /**
   * This client comes back by itself after a refusal that passes, and so is told of it by `connect_error`. Without it
   * the transport ends, because that is what stock clients come back from.
   */
  retries?: boolean;
  /** One of the user's orgs, when the token does not name one. */
  org?: string;
  /** Resume after this; without it, live from now. */
  cursor?: string;
  subscriptions?: Subscription[];
}

export type ResetReason = 'expired' | 'epoch' | 'unknown';

export interface LiveMessage {
  cursor: string;
  subscriptions: Subscription[];
  denied: { subscription: unknown; code: Code }[];
}

export interface CloseMessage {
  code: Code;
  message: string;
  retry: boolean;
}

export type Ack<Result extends object = object> = (
  answer:
    ({ ok: true } & Result) | { ok: false; error: { code: Code; message: string; retryAfterMs?: number } },
) => void;

export interface ServerToClientEvents {
  events: (events: CommitcastEvent[], cursor: string) => void;
  live: (message: LiveMessage) => void;
  reset: (message: { reason: ResetReason; cursor: string }) => void;
  checkpoint: (message: { cursor: string }) => void;
  revoked: (message: { subscription?: Subscription; code?: Code }) => void;
  'token-expiring': (message: { expiresAt: string }) => void;
  close: (message: CloseMessage) => void;
}

export interface ClientToServerEvents {
  subscribe: (subscription: Subscription, ack: Ack<{ cursor: string }>) => void;
  unsubscribe: (subscription: Subscription, ack: Ack<{ cursor: string }>) => void;
  authenticate: (message: { token: string }, ack: Ack) => void;
}

/** Names that ephemeral messages may not use: those of the wire, and those that Socket.IO keeps for itself. */
export const reservedNames: ReadonlySet<string> = new Set([
  'events',
  'live',
  'reset',
  'checkpoint',
  'revoked',
  'token-expiring',
  'close',
  'subscribe',
  'unsubscribe',
  'authenticate',
  'connect',
  'connect_error',
  'disconnect',
  'disconnecting',
  'newListener',
  'removeListener',
]);
