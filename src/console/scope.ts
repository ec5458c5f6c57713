import type { Subscription } from '../client/index.ts';
import type { Org } from './session.ts';

export const wholeOrg: Subscription = { deep: true };

/** What an event is about. */
export interface Place {
  readonly site?: string | undefined;
  readonly unit?: string | undefined;
}

/** In the words of whoever knows the names; else the id. */
export function placeName({ site, unit }: Place, { sites = [] }: Pick<Org, 'sites'>): string {
  if (unit !== undefined) {
    const known = sites.flatMap(({ units }) => units).find(({ id }) => id === unit);
    return known?.name ?? unit;
  }
  if (site !== undefined) return sites.find(({ id }) => id === site)?.name ?? site;
  return 'org';
}

export function scopeName(scope: Subscription, org: Pick<Org, 'sites' | 'name'>): string {
  if (scope.site === undefined && scope.unit === undefined)
    return scope.deep ? `all of ${org.name}` : `${org.name} itself`;
  return placeName(scope, org);
}
