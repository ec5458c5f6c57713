import type { CommitcastEvent } from './event.ts';
import type { Subscription } from './subscription.ts';

/** What an event is about: its org, and within it a site, a unit, or a unit of a site. */
export type Scope = Pick<CommitcastEvent, 'org' | 'site' | 'unit'>;

/** Whether a subscription of the event's own org sees it: the same rule as the rooms, for one session. */
export function sees({ site, unit, deep }: Subscription, event: Scope): boolean {
  if (unit !== undefined) return event.unit === unit;
  if (site === undefined) return deep === true || (event.site === undefined && event.unit === undefined);
  return event.site === site && (deep === true || event.unit === undefined);
}
