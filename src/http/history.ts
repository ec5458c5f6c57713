import type { FastifyInstance } from 'fastify';
import { formatCursor, parseCursor, type Cursor } from '../core/cursor.ts';
import { CommitcastError } from '../core/errors.ts';
import type { CommitcastEvent } from '../core/event.ts';
import { maxBatchEvents, type ResetReason } from '../core/protocol.ts';
import type { Subscription } from '../core/subscription.ts';
import type { Identity } from '../gateway/identity.ts';
import { resolveCursor } from '../gateway/resolve-cursor.ts';
import { readHead } from '../log/head.ts';
import { readRooms } from '../log/read-rooms.ts';
import type { WireEvent } from '../log/wire-event.ts';
import type { Instance } from './instance.ts';
import { identify, subscriptionOf, type Query } from './read-request.ts';

const defaultLimit = 100;
/** For an epoch that other instances know already. */
const patienceMs = 3_000;

export interface EventsAnswer {
  events: CommitcastEvent[];
  /** Resume token after what this answer covers. */
  cursor: string;
  more: boolean;
  /** The history asked for is not whole any more: load your state again, then go on after `cursor`. */
  reset?: ResetReason;
}

/** Before it is written. */
interface Answer extends Omit<EventsAnswer, 'events'> {
  events: readonly WireEvent[];
}

/**
 * The same log with the same cursor and rights over plain HTTP.
 * `GET /v1/events?site&unit&deep&cursor&until&limit`: a page of history; without `cursor`, from the oldest event kept.
 * `GET /v1/cursor`: where the log stands now.
 */
export function historyRoutes(scope: FastifyInstance, instance: Instance): void {
  const { limits } = instance.gateway;
  const admit = limits.read.bind(limits);
  scope.get('/v1/cursor', async (request) => {
    await identify(instance, request, admit);
    return { cursor: formatCursor(instance.gateway.dispatcher) };
  });
  scope.get('/v1/events', async (request, reply): Promise<string> => {
    const { rights } = instance;
    const watch = rights.watch();
    try {
      const identity = await identify(instance, request, admit);
      const query = request.query as Query;
      const subscription = subscriptionOf(query);
      if (!(await rights.authorize(identity, subscription))) throw new CommitcastError('SUBSCRIPTION_DENIED');
      const answer = await readPage(instance, identity, subscription, {
        cursor: query['cursor'] === undefined ? undefined : parseCursor(query['cursor']),
        until: query['until'] === undefined ? undefined : parseCursor(query['until']),
        limit: limitOf(query['limit']),
      });
      // The page may reach beyond what took the right away meanwhile.
      if (rights.refuses(identity)) throw new CommitcastError('ORG_FORBIDDEN');
      if (rights.denies(identity, subscription)) throw new CommitcastError('SUBSCRIPTION_DENIED');
      if (watch.hasChanged(identity)) throw new CommitcastError('RIGHTS_CHANGED');
      void reply.type('application/json; charset=utf-8');
      return textOf(answer);
    } finally {
      watch.end();
    }
  });
}

async function readPage(
  { db, gateway: { dispatcher } }: Instance,
  { organizationId }: Identity,
  subscription: Subscription,
  { cursor, until, limit }: { cursor: Cursor | undefined; until: Cursor | undefined; limit: number },
): Promise<Answer> {
  const resolved =
    cursor && (await resolveCursor({ db, dispatcher }, cursor, AbortSignal.timeout(patienceMs)));
  if (cursor && !resolved)
    throw new CommitcastError('UNAVAILABLE', 'This instance has not met that epoch yet');
  const { epoch } = resolved ?? dispatcher;
  if (until && until.epoch !== epoch)
    throw new CommitcastError('CURSOR_INVALID', 'until is of another epoch');
  const startOver = (reason: ResetReason, position: number): Answer => ({
    reset: reason,
    events: [],
    cursor: formatCursor({ epoch, position }),
    more: position < dispatcher.position,
  });

  if (resolved?.reason) return startOver(resolved.reason, resolved.position);
  const after = resolved ? resolved.position : (await readHead(db)).floor - 1;
  const upTo = Math.min(until?.position ?? Infinity, dispatcher.position);
  // From a faster instance, or after `until`: nothing, and nothing is skipped.
  if (after >= upTo) return { events: [], cursor: formatCursor({ epoch, position: after }), more: false };

  const page = await readRooms(db, {
    org: organizationId,
    subscriptions: [subscription],
    after,
    upTo,
    limit,
  });
  if (page.epoch !== epoch) {
    dispatcher.doubt(page.epoch);
    throw new CommitcastError('UNAVAILABLE', 'The database has another history since a moment ago');
  }
  if (page.floor > after + 1) return startOver('expired', dispatcher.present);
  return { events: page.events, cursor: formatCursor({ epoch, position: page.to }), more: page.to < upTo };
}

/** The events are JSON already. */
function textOf({ events, ...rest }: Answer): string {
  return `{"events":[${events.map(({ json }) => json).join(',')}],${JSON.stringify(rest).slice(1)}`;
}

function limitOf(text: Query[string]): number {
  if (text === undefined) return defaultLimit;
  const limit = typeof text === 'string' && /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= maxBatchEvents) return limit;
  throw new CommitcastError('LIMIT_INVALID', `limit is a whole number from 1 to ${maxBatchEvents}`);
}
