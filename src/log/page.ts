import { bytesSql, eventColumnNames, maxPageBytes, type EventRow } from './event-row.ts';

/** A row of a page; without an event when the page has none, for then the floor is told all the same. */
export type PageRow = { floor: string; wanted: string } & (EventRow | { [Column in keyof EventRow]: null });

export interface Page {
  rows: EventRow[];
  /** Everything up to here that was wanted is in `rows`. */
  to: number;
  /** Oldest position that was kept when the page was read, from the same statement: below it there may be holes. */
  floor: number;
}

/** Ends a statement whose CTEs are `wanted` (positions) and `events`: cuts the page by bytes, and adds the floor. */
export const pageSql = `
  measured as (
    select *, sum(${bytesSql}) over (order by position) - (${bytesSql}) as bytes_before from events
  )
  select relay.floor, (select count(*) from wanted) as wanted, ${eventColumnNames}
  from commitcast.relay left join measured on bytes_before < ${maxPageBytes}
  order by position`;

/** What was read of `(…, upTo]`, where at most `limit` events were asked for. */
export function pageOf(found: readonly PageRow[], limit: number, upTo: number): Page {
  const rows = found.filter((row): row is PageRow & EventRow => row.position !== null);
  const wanted = Number(found[0]?.wanted);
  // A page that no limit has cut reaches the end, also where the last positions are dead.
  const cut = wanted === limit || rows.length < wanted;
  return { rows, to: cut ? Number(rows.at(-1)?.position ?? upTo) : upTo, floor: Number(found[0]?.floor) };
}
