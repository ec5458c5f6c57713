import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { codes } from '../core/codes.ts';
import { CommitcastError } from '../core/errors.ts';
import { RateLimitedError } from '../core/rate-limited-error.ts';
import { subscriptionKey } from '../core/subscription.ts';
import { frameOf, retryFrame } from '../gateway/sse-frame.ts';
import { readHandshake, type UnreadHandshake } from '../gateway/handshake.ts';
import { publicErrorOf } from './errors.ts';
import type { Instance } from './instance.ts';
import { bearerOf, subscriptionsOf, type Query } from './read-request.ts';

/** Who could not be served now comes back after so long, at the least; at most three times as long. */
const retryMs = 2_000;

const headers = {
  'content-type': 'text/event-stream; charset=utf-8',
  // `no-transform`: what compresses would hold events back.
  'cache-control': 'no-store, no-transform',
  // nginx, and others after it, would gather the response before they pass it on.
  'x-accel-buffering': 'no',
};

/**
 * `GET /v1/events/stream`: a session of the log as server-sent events, with the names, cursors, rights and limits of the
 * wire, for `EventSource` and `curl -N`. `?site&unit&deep` or `?subscription={…}&subscription={…}`, `org`, `cursor`.
 *
 * An `EventSource` can send no header of its own, so the token may be in the query. `logLevel`: what Fastify says of
 * each request has the address as it came, with that token in it.
 */
export function eventStreamRoutes(scope: FastifyInstance, { gateway, rights }: Instance): void {
  scope.route({
    method: ['GET', 'HEAD'],
    url: '/v1/events/stream',
    logLevel: 'warn',
    handler: async (request, reply) => {
      const watch = rights.watch();
      try {
        const handshake = await readHandshake(
          handshakeOf(request),
          gateway.limits.guard(rights, request.raw),
          request.log,
        );
        if (request.method === 'HEAD') await reply.headers(headers).send();
        // Whoever has gone meanwhile is heard of no more.
        else if (reply.raw.destroyed) void reply.hijack();
        // Pipelined behind another answer: Node tells nobody of it when that connection goes.
        else if (reply.raw.socket === null)
          throw new CommitcastError('UNAVAILABLE', 'A stream needs a connection of its own');
        else
          gateway.openStream({ ...handshake, watch }, () => {
            void reply.headers(headers).hijack();
            // With what hooks have set, such as CORS.
            return reply.raw.writeHead(200, reply.getHeaders() as OutgoingHttpHeaders);
          });
      } catch (error) {
        const refusal = publicErrorOf(error);
        const { code, message } = refusal;
        // Any other answer than 200 would stop an `EventSource` for good, also when this is over in a moment.
        if (!codes[code].retry || !wantsEvents(request)) throw error;
        if (code === 'INTERNAL') request.log.error({ err: error }, 'a stream could not begin');
        gateway.refusals.add('http', code);
        const frames = [retryFrame(retryMsOf(refusal)), frameOf('close', { code, message, retry: true })];
        await reply.headers(headers).send(Buffer.concat(frames));
      } finally {
        watch.end();
      }
    },
  });
}

/** An `EventSource` is told with the stream; any other client by the header `retry-after`. */
function retryMsOf(refusal: CommitcastError): number {
  return refusal instanceof RateLimitedError ? Math.max(retryMs, refusal.retryAfterMs) : retryMs;
}

function wantsEvents({ method, headers: { accept } }: FastifyRequest): boolean {
  return method === 'GET' && accept?.includes('text/event-stream') === true;
}

/** What the handshake of a socket would say. The place that a client has reached comes before the one it began from. */
function handshakeOf(request: FastifyRequest): UnreadHandshake {
  const query = request.query as Query;
  const reached = [request.headers['last-event-id'], query['lastEventId']].find((id) => id);
  return {
    token: bearerOf(request) ?? query['access_token'],
    // A query has texts only.
    protocol: query['protocol'],
    org: query['org'],
    cursor: reached ?? query['cursor'],
    /** Read, and refused, when the token has been taken. The org's own events every session has, without asking. */
    get subscriptions() {
      return subscriptionsOf(query).filter((each) => subscriptionKey(each) !== subscriptionKey({}));
    },
  };
}
