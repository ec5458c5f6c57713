/**
 * @typedef {object} Subscription
 * @property {string} [site]
 * @property {string} [unit]
 * @property {boolean} [deep]
 */

/** @type {Subscription} */
export const wholeOrg = { deep: true };

/**
 * The same text for equal subscriptions.
 *
 * @param {Subscription} subscription
 */
export function keyOf({ site, unit, deep }) {
  return JSON.stringify([site ?? null, unit ?? null, deep ?? false]);
}

/**
 * Whether a subscription reaches a unit of a site; the rule of the server's rooms.
 *
 * @param {Subscription} subscription
 * @param {string | undefined} site
 * @param {string | undefined} unit
 */
export function reaches(subscription, site, unit) {
  if (subscription.unit !== undefined) return subscription.unit === unit;
  if (subscription.site !== undefined)
    return subscription.site === site && (subscription.deep === true || unit === undefined);
  return subscription.deep === true || (site === undefined && unit === undefined);
}
