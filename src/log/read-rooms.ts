import type { CommitcastEvent } from '../core/event.ts';
import type { Subscription } from '../core/subscription.ts';
import { rowsOf, type Executor } from '../db/executor.ts';
import { eventColumns, toEvent, type EventRow } from './event-row.ts';

export interface RoomsPage {
  events: CommitcastEvent[];
  /** Oldest position that was kept when the page was read, from the same statement: below it there may be holes. */
  floor: number;
}

export interface RoomsRange {
  org: string;
  subscriptions: readonly Subscription[];
  after: number;
  /** Settled. */
  upTo: number;
  limit: number;
}

const selected = `select ${eventColumns} from commitcast.log
  where org_id = $1 and position > $2 and position <= $3 and not control`;
const ordered = `order by position limit $4`;

// Each scope is an index range that is already in order; a page costs what it returns, not what others wrote.
const scopedSql = `
  select * from unnest($5::text[]) wanted (room_name)
    cross join lateral (${selected} and room = wanted.room_name ${ordered}) room_events
  union all
  select * from unnest($6::text[]) wanted (site)
    cross join lateral (${selected} and site_id = wanted.site and unit_id is not null ${ordered}) site_events`;

const pageSql = (source: string) => `
  with page as (select distinct on (position) ${eventColumns} from (${source}) found order by position limit $4)
  select relay.floor, page.* from commitcast.relay left join page on true order by page.position`;

const scopedPageSql = pageSql(scopedSql);
const wholeOrgPageSql = pageSql(`${selected} ${ordered}`);

/** The events of `(after, upTo]` that the subscriptions of one org see, rising, each once. */
export async function readRooms(
  db: Executor,
  { org, subscriptions, after, upTo, limit }: RoomsRange,
): Promise<RoomsPage> {
  const wholeOrg = subscriptions.some(
    ({ site, unit, deep }) => deep && site === undefined && unit === undefined,
  );
  const range = [org, after, upTo, limit];
  type Row = { floor: string } & (EventRow | { [Column in keyof EventRow]: null });
  const rows = wholeOrg
    ? await rowsOf<Row>(db, wholeOrgPageSql, range)
    : await rowsOf<Row>(db, scopedPageSql, [
        ...range,
        roomsOf(org, subscriptions),
        deepSitesOf(subscriptions),
      ]);
  return {
    floor: Number(rows[0]?.floor),
    events: rows.filter((row): row is Row & EventRow => row.position !== null).map(toEvent),
  };
}

/** Values of the column `room` that are wanted; the same expression as in the table. */
function roomsOf(org: string, subscriptions: readonly Subscription[]): string[] {
  return subscriptions.map(({ site, unit }) => {
    if (unit !== undefined) return `org:${org}:unit:${unit}`;
    return site === undefined ? `org:${org}` : `org:${org}:site:${site}`;
  });
}

function deepSitesOf(subscriptions: readonly Subscription[]): string[] {
  return subscriptions.flatMap(({ site, deep }) => (deep && site !== undefined ? [site] : []));
}
