import { bytesSql, eventColumnNames, eventColumns, maxPageBytes, type EventRow } from './event-row.ts';
import { presentEpochSql } from './present-epoch.ts';

/** A row of a page; without an event when the page has none, for then the floor is told all the same. */
export type PageRow = { floor: string; epoch: string | null; wanted: string } & (
  EventRow | { [Column in keyof EventRow]: null }
);

export interface Page {
  rows: EventRow[];
  /** Everything up to here that was wanted is in `rows`. */
  to: number;
  /** Oldest position that was kept when the page was read, from the same statement: below it there may be holes. */
  floor: number;
  /** Epoch that the page is of; `undefined` when nobody has opened one yet for the history that the database has now. */
  epoch: string | undefined;
}

const rowsBefore = 'rows between unbounded preceding and 1 preceding';

/**
 * Of candidates (rows of the log with a `position`), those that a page may have: what is far beyond its end must not be
 * made text first, for that is dear. How large a value is stored costs nothing to know; as text it is larger, if anything.
 */
export const eventsOf = (candidates: string): string => `
  select ${eventColumns} from (
    select *, sum(pg_column_size(data)) over (order by position ${rowsBefore}) as stored_before
    from (${candidates}) candidate
  ) sized
  where stored_before is null or stored_before < ${maxPageBytes}
  -- Else the text of each event would be made anew wherever it is named.
  offset 0`;

/**
 * Ends a statement whose CTEs are `wanted` (positions) and `events`: cuts the page by bytes, and adds the floor and the
 * epoch, which is null for a history that nobody has opened one for.
 */
export const pageSql = `
  measured as (
    select *, sum(${bytesSql}) over (order by position ${rowsBefore}) as bytes_before from events
  )
  select relay.floor, relay.epoch, (select count(*) from wanted) as wanted, ${eventColumnNames}
  from (select floor, ${presentEpochSql} as epoch from commitcast.relay limit 1 offset 0) relay
    left join measured on bytes_before is null or bytes_before < ${maxPageBytes}
  order by position`;

/** What was read of `(…, upTo]`, where at most `limit` events were asked for. */
export function pageOf(found: readonly PageRow[], limit: number, upTo: number): Page {
  const rows = found.filter((row): row is PageRow & EventRow => row.position !== null);
  const wanted = Number(found[0]?.wanted);
  // A page that no limit has cut reaches the end, also where the last positions are dead.
  const cut = wanted === limit || rows.length < wanted;
  return {
    rows,
    to: cut ? Number(rows.at(-1)?.position ?? upTo) : upTo,
    floor: Number(found[0]?.floor),
    epoch: found[0]?.epoch ?? undefined,
  };
}
