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

// Each scope is an index range that is already in order; a page costs what it returns, not what others wrote.
const scoped = (columns: string): string => `
  select ${columns} from unnest($5::text[]) wanted (room_name)
    cross join lateral (select * from commitcast.log where ${where} and room = wanted.room_name ${ordered}) found
  union all
  select ${columns} from unnest($6::text[]) wanted (site)
    cross join lateral (
      select * from commitcast.log where ${where} and site_id = wanted.site and unit_id is not null ${ordered}
    ) found`;

/** With so few scopes it costs less to take the rows of all of them than to fetch those of the page a second time. */
const fewScopes = 4;

const wholeOrgSql = `select position from commitcast.log where ${where}`;

const sqlFor = (positions: string) => `
  with wanted as materialized (
    select position from (${positions}) found ${ordered}
  ), candidates as materialized (
    select log.* from commitcast.log join wanted using (position)
    where position > $2 and position <= $3
    order by position
  ), ${pageSql}`;

// Only the positions are merged; the rows are fetched, and `data` made text, for those that the page has.
const scopedPageSql = sqlFor(`select distinct position from (${scoped('position')}) scopes`);

const fewScopesPageSql = `
  with candidates as materialized (
    select distinct on (position) * from (${scoped('found.*')}) scopes ${ordered}
  ), wanted as materialized (
    select position from candidates
  ), ${pageSql}`;

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
  const scopes = [roomsOf(org, subscriptions), deepSitesOf(subscriptions)] as const;
  const isFew = scopes[0].length + scopes[1].length <= fewScopes;
  const found = wholeOrg
    ? await rowsOf<PageRow>(db, wholeOrgPageSql, range)
    : await rowsOf<PageRow>(db, isFew ? fewScopesPageSql : scopedPageSql, [...range, ...scopes]);
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
