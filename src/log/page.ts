import { bytesSql, eventColumnNames, maxPageBytes, type EventRow } from './event-row.ts';

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
  /** Epoch that the page is of; `undefined` when it has rows of a history whose epoch nobody has opened yet. */
  epoch: string | undefined;
}

/**
 * Ends a statement whose CTEs are `wanted` (positions) and `events`: cuts the page by bytes, and adds the floor and the
 * epoch. Beyond the end of the epoch before, all rows bear the stamps of the one in force; others are of a history that
 * has replaced it: the database was restored, or a standby was promoted, and nobody has opened its epoch so far.
 */
export const pageSql = `
  measured as (
    select *, sum(${bytesSql}) over (order by position) - (${bytesSql}) as bytes_before from events
  )
  select relay.floor, (select count(*) from wanted) as wanted, ${eventColumnNames},
    case
      when bool_or(position > present.ended and (timeline, log_oid) <> (present.line, present.oid)) over () then null
      else present.epoch
    end as epoch
  from commitcast.relay
    cross join (
      select epoch, timeline as line, log_oid as oid, previous_end as ended
      from commitcast.epoch order by ordinal desc limit 1
    ) present
    left join measured on bytes_before < ${maxPageBytes}
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
