import type { Subscription } from '../core/subscription.ts';
import { rowsOf, type Executor } from '../db/executor.ts';
import { LogEntry } from './log-entry.ts';
import { pageOf, pageSql, type Page, type PageRow } from './page.ts';

export interface RangePage extends Omit<Page, 'rows'> {
  entries: LogEntry[];
}

export interface PageRange {
  after: number;
  /** Settled. */
  upTo: number;
  limit: number;
  /** What a subscription of this org sees. Absent: all orgs. */
  scope?: ({ org: string } & Subscription) | undefined;
  types?: readonly string[] | undefined;
  /** Only the orgs of one of `count` parts; an org is always in the same. */
  partition?: { index: number; count: number } | undefined;
}

/**
 * How many positions one call looks at when it has filters, so that what is rare is never looked for until a statement
 * timeout strikes. Positions, not rows found by an index: the bound holds whatever plan is chosen.
 */
const maxScan = 20_000;

/** The part that an org is in. By md5, for Postgres' own hash functions may change from version to version. */
export const orgHashSql = (org: string): string => `('x' || substr(md5(${org}), 1, 8))::bit(32)::bigint`;

const sqlFor = (where: string) => `
  with candidates as materialized (
    select * from commitcast.log where position > $1 and position <= $2${where} order by position limit $3
  ), wanted as materialized (
    select position from candidates
  ), ${pageSql}`;

/**
 * A page of `(after, upTo]`, rising: everything up to its `to` that is wanted is in it. Control events are in it
 * whatever is said of site, unit and types: of the scope's org, and of the partition.
 */
export async function readPage(db: Executor, range: PageRange): Promise<RangePage> {
  const { after, upTo, limit, scope, types, partition } = range;
  const filtered = scope !== undefined || types !== undefined || partition !== undefined;
  const end = filtered ? Math.min(upTo, after + maxScan) : upTo;
  const values: unknown[] = [after, end, limit];
  const where = filtered ? conditionsOf(range, (value) => `$${values.push(value)}`) : '';
  const { rows, ...page } = pageOf(await rowsOf<PageRow>(db, sqlFor(where), values), limit, end);
  return { entries: rows.map((row) => new LogEntry(row)), ...page };
}

/** `bind` takes a value, and returns how the statement names it. */
function conditionsOf({ scope, types, partition }: PageRange, bind: (value: unknown) => string): string {
  const ofAll: string[] = [];
  const ofEvents: string[] = [];
  if (scope) ofAll.push(`org_id = ${bind(scope.org)}`);
  if (partition) ofAll.push(`${orgHashSql('org_id')} % ${bind(partition.count)} = ${bind(partition.index)}`);
  if (scope) ofEvents.push(...scopeConditions(scope, bind));
  if (types) ofEvents.push(`type = any(${bind(types)}::text[])`);
  if (ofEvents.length > 0) ofAll.push(`(control or (${ofEvents.join(' and ')}))`);
  return ofAll.map((condition) => ` and ${condition}`).join('');
}

function scopeConditions(
  { org, site, unit, deep }: { org: string } & Subscription,
  bind: (value: unknown) => string,
): string[] {
  if (unit !== undefined) return [`room = ${bind(`org:${org}:unit:${unit}`)}`];
  if (site === undefined) return deep ? [] : [`room = ${bind(`org:${org}`)}`];
  const ofSite = `room = ${bind(`org:${org}:site:${site}`)}`;
  return [deep ? `(${ofSite} or (site_id = ${bind(site)} and unit_id is not null))` : ofSite];
}
