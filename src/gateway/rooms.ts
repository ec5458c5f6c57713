import type { CommitcastEvent } from '../core/event.ts';
import type { Subscription } from '../core/subscription.ts';

/** What an event is about: its org, and within it a site, a unit, or a unit of a site. */
export type Scope = Pick<CommitcastEvent, 'org' | 'site' | 'unit'>;

/** The Socket.IO room of a subscription. Ids have no colon, so no id can make the room of another scope. */
export function roomOf(org: string, { site, unit, deep }: Subscription): string {
  if (unit !== undefined) return `org:${org}:unit:${unit}`;
  const scope = site === undefined ? `org:${org}` : `org:${org}:site:${site}`;
  return deep ? `${scope}:*` : scope;
}

/** The rooms whose union sees what is about a scope. */
export function roomsOf({ org, site, unit }: Scope): string[] {
  const whole = `org:${org}:*`;
  if (unit !== undefined) {
    const rooms = [`org:${org}:unit:${unit}`, whole];
    if (site !== undefined) rooms.push(`org:${org}:site:${site}:*`);
    return rooms;
  }
  if (site !== undefined) return [`org:${org}:site:${site}`, `org:${org}:site:${site}:*`, whole];
  return [`org:${org}`, whole];
}

/** Whether a subscription of the event's own org sees it: the same rule as the rooms, for one session. */
export function sees({ site, unit, deep }: Subscription, event: Scope): boolean {
  if (unit !== undefined) return event.unit === unit;
  if (site === undefined) return deep === true || (event.site === undefined && event.unit === undefined);
  return event.site === site && (deep === true || event.unit === undefined);
}
