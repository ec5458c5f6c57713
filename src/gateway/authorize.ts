import type { Subscription } from '../core/subscription.ts';
import type { Identity } from './identity.ts';

/** Asked at every subscription, also of HTTP reads. The org is always the identity's own. */
export type Authorize = (identity: Identity, subscription: Subscription) => boolean | Promise<boolean>;

/**
 * The default rule: without `sites` and `units` all of the org; else only what they list. A listed site may be seen
 * `deep` unless `units` narrows which of its units are meant.
 */
export function authorizeByLists({ sites, units }: Identity, { site, unit, deep }: Subscription): boolean {
  if (sites === undefined && units === undefined) return true;
  if (unit !== undefined) return units?.includes(unit) ?? false;
  if (site !== undefined) return (sites?.includes(site) ?? false) && !(deep && units !== undefined);
  return !deep;
}
