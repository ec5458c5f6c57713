import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { CommitcastError } from '../core/errors.ts';

/** Of every answer of our own server: nothing of it is a page, but for those that say so. */
const ofAnswers = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  // For requests without CORS: those with it are decided by the origins that are set.
  'cross-origin-resource-policy': 'same-origin',
};

/** A host, perhaps with a port, and nothing that would end a directive. */
const hostPattern = /^[\w.-]{1,253}(?::\d{1,5})?$|^\[[\da-f:.]{2,45}\](?::\d{1,5})?$/i;

/**
 * The page runs what is beside it and nothing else, and speaks to its own server only. By `host`, since in older browsers
 * `'self'` is not for WebSockets.
 */
export function pageHeaders(host: string | undefined) {
  const sockets = host !== undefined && hostPattern.test(host) ? ` ws://${host} wss://${host}` : '';
  return {
    ...ofAnswers,
    'content-security-policy': [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "font-src 'self'",
      "img-src 'self' data:",
      `connect-src 'self'${sockets}`,
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'none'",
    ].join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=()',
  };
}

/** Sets the headers of all answers, and answers what has no route before anything is made of its body. */
export function secureAnswers(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    void reply.headers(ofAnswers);
    if (request.is404) await answerNotFound(reply);
  });
  app.setNotFoundHandler((_request, reply) => answerNotFound(reply));
}

/** In the place of what Fastify says itself, which quotes the address: that may have a token in it. */
export function answerNotFound(reply: FastifyReply): FastifyReply {
  return reply
    .headers(ofAnswers)
    .code(404)
    .send({ error: new CommitcastError('NOT_FOUND').toJSON() });
}

/** Answers what is no HTTP request, as Node itself would. */
export function refuseUnreadable({ code }: { code?: string }, socket: Socket): void {
  const status = { ERR_HTTP_REQUEST_TIMEOUT: 408, HPE_HEADER_OVERFLOW: 431 }[code ?? ''] ?? 400;
  if (socket.writable)
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    );
  // Not all of what it sends is read, so it may never end by itself.
  socket.destroySoon();
}

/** What comes after a path, also when `?` was mistyped or written as `%3F`. */
const afterPath = /(?:[?&;#]|%3f|%26).*$/is;
/** A JWT, wherever it stands. */
const jwt = /\beyJ[\w-]{5,}(?:\.[\w-]*)*/g;

/** An address without what may be a token in it. */
export function withoutSecrets(url: string): string {
  return url.replace(afterPath, '').replaceAll(jwt, '[token]');
}
