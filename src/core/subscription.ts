import { CommitcastError } from './errors.ts';
import { isIdentifier } from './identifier.ts';

/**
 * What a session may ask to see, always within its own org: `{}` the org's own events (every session has it),
 * `{ deep: true }` all of the org, `{ site }` the site's own events, `{ site, deep }` the site and the unit events
 * that name it, `{ unit }` the unit.
 */
export type Subscription =
  | { readonly site?: never; readonly unit?: never; readonly deep?: true }
  | { readonly site: string; readonly unit?: never; readonly deep?: true }
  | { readonly unit: string; readonly site?: never; readonly deep?: never };

const known = new Set(['site', 'unit', 'deep']);

/** @throws {CommitcastError} `SUBSCRIPTION_INVALID` for any other shape, key or value. */
export function parseSubscription(value: unknown): Subscription {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid();
  if (Object.keys(value).some((key) => !known.has(key))) throw invalid();
  const { site, unit, deep } = value as Record<string, unknown>;
  if (deep !== undefined && typeof deep !== 'boolean') throw invalid();
  if (site !== undefined && !isIdentifier(site)) throw invalid();
  if (unit !== undefined && !isIdentifier(unit)) throw invalid();
  if (unit !== undefined) {
    if (site !== undefined || deep) throw invalid();
    return { unit };
  }
  if (site !== undefined) return deep ? { site, deep } : { site };
  return deep ? { deep } : {};
}

/** The same text for equal subscriptions. */
export function subscriptionKey({ site, unit, deep }: Subscription): string {
  if (unit !== undefined) return `unit:${unit}`;
  const scope = site === undefined ? 'org' : `site:${site}`;
  return deep ? `${scope}:*` : scope;
}

function invalid(): CommitcastError {
  return new CommitcastError('SUBSCRIPTION_INVALID');
}
