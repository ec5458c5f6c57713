import type { Subscription } from '../core/subscription.ts';
import { rowsOf, type Executor } from '../db/executor.ts';
import { pageOf, pageSql, type Page, type PageRow } from './page.ts';
import { toWireEvent, type WireEvent } from './wire-event.ts';

export interface RoomsPage extends Omit<Page, 'rows'> {
  events: WireEvent[];
}

export interface RoomsRange {
  org: string;
  subscriptions: readonly Subscription[];
  after: number;
  /** Settled. */
  upTo: number;
  limit: number;
}

const where = 'org_id = $1 and position > $2 and position <= $3 and not control';
const ordered = `order by position limit $4`;

// Each scope is an index range that is already in order; a page costs what it returns, not what others wrote. Only the
// positions are merged; the rows are fetched, and `data` made text, for those that the page has.
const scopedSql = `
  select position from unnest($5::text[]) wanted (room_name)
    cross join lateral (select position from commitcast.log where ${where} and room = wanted.room_name ${ordered}) found
  union
  select position from unnest($6::text[]) wanted (site)
    cross join lateral (
      select position from commitcast.log where ${where} and site_id = wanted.site and unit_id is not null ${ordered}
    ) found`;

const wholeOrgSql = `select position from commitcast.log where ${where}`;

const sqlFor = (positions: string) => `
  with wanted as materialized (
    select position from (${positions}) found ${ordered}
  ), candidates as materialized (
    select log.* from commitcast.log join wanted using (position)
    where position > $2 and position <= $3
    order by position
  ), ${pageSql}`;

const scopedPageSql = sqlFor(scopedSql);
const wholeOrgPageSql = sqlFor(wholeOrgSql);

/** The events of `(after, upTo]` that the subscriptions of one org see, rising, each once. */
export async function readRooms(
  db: Executor,
  { org, subscriptions, after, upTo, limit }: RoomsRange,
): Promise<RoomsPage> {
  const wholeOrg = subscriptions.some(
    ({ site, unit, deep }) => deep && site === undefined && unit === undefined,
  );
  const range = [org, after, upTo, limit];
  const found = wholeOrg
    ? await rowsOf<PageRow>(db, wholeOrgPageSql, range)
    : await rowsOf<PageRow>(db, scopedPageSql, [
        ...range,
        roomsOf(org, subscriptions),
        deepSitesOf(subscriptions),
      ]);
  const { rows, ...page } = pageOf(found, limit, upTo);
  return { events: rows.map(toWireEvent), ...page };
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
