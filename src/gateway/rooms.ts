import type { Scope } from '../core/sees.ts';
import type { Subscription } from '../core/subscription.ts';

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
