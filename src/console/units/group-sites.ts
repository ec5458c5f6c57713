import type { OrgSite } from '../sites.ts';
import { blankUnit, type Unit } from './unit.ts';

/** A unit, with what the session says of it: its name before its first event, and its kind. */
export interface ShownUnit extends Unit {
  readonly title: string;
  readonly kind: string | undefined;
}

export interface ShownSite {
  readonly id: string;
  readonly title: string;
  readonly units: readonly ShownUnit[];
}

/** Units that name no site. */
const elsewhere = '';

/** The sites and their units in the session's order; what only the events tell of comes after that, by id. */
export function groupSites(units: ReadonlyMap<string, Unit>, told: readonly OrgSite[] = []): ShownSite[] {
  const sites = new Map<string, { id: string; title: string; units: ShownUnit[] }>();
  const siteOf = (id: string) => {
    const site = sites.get(id) ?? { id, title: id === elsewhere ? 'No site' : id, units: [] };
    sites.set(id, site);
    return site;
  };
  const shown = new Set<string>();
  for (const { id, name, units: members } of told) {
    siteOf(id).title = name;
    for (const { id: unit, name: title, kind, limit } of members) {
      const known = units.get(unit) ?? { ...blankUnit(unit), limit: limit ?? null };
      siteOf(known.siteId ?? id).units.push({ ...known, title: known.name ?? title, kind });
      shown.add(unit);
    }
  }
  for (const unit of [...units.values()].sort((one, other) => (one.id < other.id ? -1 : 1)))
    if (!shown.has(unit.id))
      siteOf(unit.siteId ?? elsewhere).units.push({ ...unit, title: unit.name ?? unit.id, kind: undefined });
  return [...sites.values()].filter((site) => site.units.length > 0);
}

/** The longest first: what comes is at the end, so that nothing moves under a finger. */
export function openAlarms(sites: readonly ShownSite[]): ShownUnit[] {
  return sites
    .flatMap(({ units }) => units.filter(({ alarmSince }) => alarmSince !== null))
    .sort((one, other) => Date.parse(one.alarmSince ?? '') - Date.parse(other.alarmSince ?? ''));
}
