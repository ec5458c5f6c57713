import type { FastifyRequest } from 'fastify';
import { CommitcastError } from '../core/errors.ts';
import { parseSubscription, type Subscription } from '../core/subscription.ts';
import type { KnownUser } from '../gateway/authenticate.ts';
import type { Identity } from '../gateway/identity.ts';
import type { Instance } from './instance.ts';

/** What a query string may be, read by Fastify: a parameter that is repeated is a list. */
export type Query = Record<string, string | string[] | undefined>;

/** The token of `Authorization: Bearer`. */
export function bearerOf({ headers }: FastifyRequest): string | undefined {
  const [scheme, token] = (headers.authorization ?? '').split(' ', 2);
  return scheme?.toLowerCase() === 'bearer' ? token : undefined;
}

/** `admit`: see `Authenticate`. */
export function identify(
  { rights }: Pick<Instance, 'rights'>,
  request: FastifyRequest,
  admit?: (known: KnownUser) => void,
): Promise<Identity> {
  return rights.authenticate(bearerOf(request), (request.query as Query)['org'], admit);
}

/** The one scope that `site`, `unit` and `deep` name. @throws {CommitcastError} `SUBSCRIPTION_INVALID` */
export function subscriptionOf({ site, unit, deep }: Query): Subscription {
  if (deep !== undefined && deep !== 'true' && deep !== 'false')
    throw new CommitcastError('SUBSCRIPTION_INVALID');
  return parseSubscription({
    ...(site === undefined ? {} : { site }),
    ...(unit === undefined ? {} : { unit }),
    ...(deep === 'true' ? { deep: true } : {}),
  });
}

/** One scope; or as many as `subscription` is repeated, each as JSON. @throws {CommitcastError} `SUBSCRIPTION_INVALID` */
export function subscriptionsOf(query: Query): Subscription[] {
  const { subscription, site, unit, deep } = query;
  if (subscription === undefined) return [subscriptionOf(query)];
  if (site !== undefined || unit !== undefined || deep !== undefined)
    throw new CommitcastError(
      'SUBSCRIPTION_INVALID',
      'Either site, unit and deep name one scope, or each `subscription` names one',
    );
  return [subscription].flat().map((text) => {
    try {
      return parseSubscription(JSON.parse(text));
    } catch (error) {
      if (error instanceof CommitcastError) throw error;
      throw new CommitcastError('SUBSCRIPTION_INVALID', 'A subscription in the query is JSON');
    }
  });
}
