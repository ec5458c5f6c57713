import type { FastifyError, FastifyInstance } from 'fastify';
import type { Pool } from 'pg';
import { CommitcastError } from '../core/errors.ts';
import type { NewEvent } from '../core/event.ts';
import type { Subscription } from '../core/subscription.ts';
import { readMembership, readPrimaryMembership } from '../gateway/membership.ts';
import { Rights } from '../gateway/rights.ts';
import { createIdentityChecks, type IdentityOptions } from '../gateway/setup-socket-auth.ts';
import { answerErrors } from '../http/errors.ts';
import { bearerOf } from '../http/read-request.ts';
import { append } from '../log/append.ts';
import { transaction } from './transaction.ts';

/** Where the page publishes. */
export const publishPath = '/demo/events';

const maxBodyBytes = 65_536;

/** As `IdentityOptions` of the plugin beside it. */
export interface PublishRouteOptions {
  db: Pool;
  identity: IdentityOptions;
}

/**
 * `POST /demo/events` with `{ type, data, site?, unit?, id? }`: commits one event in the org of the token, at a place that
 * the token may see, and answers `{ id }`. Only the demo has it: an application writes in its own transactions.
 */
export function publishRoute(app: FastifyInstance, { db, identity: options }: PublishRouteOptions): void {
  const rights = new Rights(
    createIdentityChecks({
      getUserPrimaryOrganization: (user) => readPrimaryMembership(db, user),
      getUserOrganization: (user, org) => readMembership(db, user, org),
      ...options,
    }),
  );
  void app.register((scope, _options, ready) => {
    answerErrors(scope);
    void scope.register((inner, _inner, innerReady) => {
      inner.setErrorHandler(refuseBody);
      inner.post(publishPath, { logLevel: 'warn', bodyLimit: maxBodyBytes }, async (request, reply) => {
        await rights.load(db);
        const identity = await rights.authenticate(bearerOf(request), undefined);
        const event = eventOf(request.body, identity.organizationId);
        for (const place of placesOf(event))
          if (!(await rights.authorize(identity, place))) throw new CommitcastError('SUBSCRIPTION_DENIED');
        const [id] = await transaction(db, (tx) => append(tx, event));
        return reply.code(201).header('cache-control', 'no-store').send({ id });
      });
      innerReady();
    });
    ready();
  });
}

/** @throws {CommitcastError} `EVENT_INVALID`; `ORG_FORBIDDEN` for any org but the token's */
function eventOf(body: unknown, org: string): NewEvent {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new CommitcastError('EVENT_INVALID', 'The body is one event, as JSON');
  const event = body as NewEvent;
  if (event.org !== undefined && event.org !== org) throw new CommitcastError('ORG_FORBIDDEN');
  const unknown = Object.keys(event).find(
    (key) => !['org', 'site', 'unit', 'type', 'data', 'id'].includes(key),
  );
  if (unknown !== undefined)
    throw new CommitcastError('EVENT_INVALID', `The demo takes no ${JSON.stringify(unknown)}`);
  return { ...event, org };
}

/** Whoever may see both may write there; an event of the org itself is everybody's. */
function placesOf({ site, unit }: NewEvent): Subscription[] {
  return [...(unit === undefined ? [] : [{ unit }]), ...(site === undefined ? [] : [{ site }])];
}

/** What Fastify finds wrong with a body, in our words. */
function refuseBody(error: FastifyError): never {
  if (error.statusCode === 413)
    throw new CommitcastError('EVENT_TOO_LARGE', `The demo takes events of at most ${maxBodyBytes} bytes`);
  if (error.statusCode === 400 || error.statusCode === 415)
    throw new CommitcastError('EVENT_INVALID', 'The body is one event, as JSON');
  throw error;
}
