import type { Socket } from 'socket.io';
import { codes } from '../core/codes.ts';
import { toPublicError, type CommitcastError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { RateLimitedError } from '../core/rate-limited-error.ts';
import { toSocketData, type Identity } from './identity.ts';

type Connection = Socket['conn'];

/** Stock clients come back about a second after their transport has ended, however often that was in vain. */
const minPauseMs = 1_000;
/** Well below the time after which Socket.IO ends a connection that has reached no namespace (45 s). */
const maxPauseMs = 10_000;

/**
 * A middleware of Socket.IO that refuses with `connect_error` and `data.code`. That stops stock clients for good; so what
 * passes by itself ends the transport instead: then they come back. Too many of them are kept waiting first, since nothing
 * else slows them down. Who says `retries` in the handshake comes back after a `connect_error`, too, and is told at once.
 */
export function handshakeMiddleware(accept: (socket: Socket) => Promise<Identity>, logger: Logger) {
  /** One wait is enough for a connection, however often it asks meanwhile. */
  const waiting = new WeakSet<Connection>();
  return (socket: Socket, next: (error?: Error) => void): void => {
    accept(socket).then(
      (identity) => {
        Object.assign(socket.data as object, toSocketData(identity));
        next();
      },
      (error: unknown) => {
        const refusal = toPublicError(error);
        const { code } = refusal;
        if (code === 'INTERNAL' || code === 'UNAVAILABLE') logger.error({ err: error }, 'a handshake failed');
        else logger.debug({ code }, 'a handshake was refused');
        const { conn, handshake } = socket;
        const isTold = !codes[code].retry || (handshake.auth as { retries?: unknown }).retries === true;
        if (isTold) {
          next(refusal);
          return;
        }
        if (waiting.has(conn)) return;
        waiting.add(conn);
        endAfter(conn, pauseMsOf(refusal));
      },
    );
  };
}

function pauseMsOf(refusal: CommitcastError): number {
  return refusal instanceof RateLimitedError
    ? Math.min(Math.max(refusal.retryAfterMs, minPauseMs), maxPauseMs)
    : 0;
}

function endAfter(connection: Connection, pauseMs: number): void {
  if (pauseMs === 0) {
    connection.close();
    return;
  }
  const timer = setTimeout(() => {
    connection.close();
  }, pauseMs).unref();
  connection.once('close', () => {
    clearTimeout(timer);
  });
}
