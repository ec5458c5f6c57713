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
  /** Who asks again while kept waiting is no stock client, and is not kept. */
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
        const isTold = !codes[code].retry || saysRetries(handshake.auth);
        if (isTold || conn.readyState !== 'open') {
          next(refusal);
          return;
        }
        // Socket.IO keeps a socket until it has its answer. This one comes when there is nobody left to hear it.
        conn.once('close', () => {
          next(refusal);
        });
        endAfter(conn, waiting.has(conn) ? 0 : pauseMsOf(refusal));
        waiting.add(conn);
      },
    );
  };
}

/** In some languages all that a client can say there is text. */
function saysRetries({ retries }: { retries?: unknown }): boolean {
  return retries === true || retries === 'true';
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
