import type { CommitcastEvent } from '../../client/index.ts';
import type { Row } from '../ledger.ts';
import type { Place } from '../scope.ts';
import type { Org } from '../session.ts';

/** What is shown of what was received; nothing is asked of the server for it. */
export interface Filter {
  /** `{}`: the org's own events. */
  readonly place: Place | undefined;
  /** None: all. */
  readonly types: ReadonlySet<string>;
  readonly text: string;
}

export const noFilter: Filter = { place: undefined, types: new Set(), text: '' };

export function isFiltering({ place, types, text }: Filter): boolean {
  return place !== undefined || types.size > 0 || text.trim() !== '';
}

/** A line between the rows is about all of them: a filter hides it. */
export function filterRows(rows: readonly Row[], filter: Filter): readonly Row[] {
  if (!isFiltering(filter)) return rows;
  const wanted = filter.text.trim().toLowerCase();
  return rows.filter((row) => 'event' in row && matches(row.event, filter, wanted));
}

function matches(event: CommitcastEvent, { place, types }: Filter, text: string): boolean {
  if (place && !isAt(event, place)) return false;
  if (types.size > 0 && !types.has(event.type)) return false;
  return text === '' || JSON.stringify(event).toLowerCase().includes(text);
}

function isAt(event: CommitcastEvent, { site, unit }: Place): boolean {
  if (unit !== undefined) return event.unit === unit;
  if (site !== undefined) return event.site === site;
  return event.site === undefined && event.unit === undefined;
}

export interface Facet {
  readonly id: string;
  readonly count: number;
}

export interface SiteFacet extends Facet {
  readonly units: readonly Facet[];
}

export interface Facets {
  readonly org: number;
  readonly sites: readonly SiteFacet[];
  /** Of no site that is known. */
  readonly units: readonly Facet[];
  readonly types: readonly Facet[];
}

/** What there is to choose from: what the server has told of, and what was seen, with how often. */
export function facetsOf(rows: readonly Row[], { sites = [] }: Pick<Org, 'sites'>): Facets {
  const types = new Map<string, number>();
  const units = new Map<string, number>();
  const siteCounts = new Map<string, number>(sites.map(({ id }) => [id, 0]));
  const siteOf = new Map(sites.flatMap((site) => site.units.map((unit) => [unit.id, site.id] as const)));
  for (const unit of siteOf.keys()) units.set(unit, 0);
  let org = 0;
  for (const row of rows) {
    if (!('event' in row)) continue;
    const { type, site, unit } = row.event;
    add(types, type);
    if (site === undefined && unit === undefined) org += 1;
    if (site !== undefined) add(siteCounts, site);
    if (unit === undefined) continue;
    add(units, unit);
    if (site !== undefined && !siteOf.has(unit)) siteOf.set(unit, site);
  }
  const unitsAt = (site: string | undefined) =>
    [...units].filter(([id]) => siteOf.get(id) === site).map(([id, count]) => ({ id, count }));
  return {
    org,
    sites: [...siteCounts].map(([id, count]) => ({ id, count, units: unitsAt(id) })),
    units: unitsAt(undefined),
    types: [...types]
      .map(([id, count]) => ({ id, count }))
      .sort((one, other) => (one.id < other.id ? -1 : 1)),
  };
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
