import {
  bytesSql,
  eventColumnNames,
  eventColumns,
  maxPageBytes,
  nullColumns,
  type EventRow,
} from './event-row.ts';
import { presentEpochSql } from './present-epoch.ts';

/** The first row says what is true of the page; each of the others has an event. */
export type PageRow =
  | ({ floor: string; epoch: string | null; wanted: string } & { [Column in keyof EventRow]: null })
  | ({ floor: null; epoch: null; wanted: null } & EventRow);

export interface Page {
  rows: EventRow[];
  /** Everything up to here that was wanted is in `rows`. */
  to: number;
  /** Oldest position that was kept when the page was read, from the same statement: below it there may be holes. */
  floor: number;
  /** Epoch that the page is of; `undefined` when nobody has opened one yet for the history that the database has now. */
  epoch: string | undefined;
}

/** Position at which what came before is a whole page, or null: looked for only when there is so much. */
const cutOf = (rows: string, bytes: string): string => `
  select case when sum(${bytes}) >= ${maxPageBytes} then (
    select min(position) from (
      select position, sum(${bytes}) over (order by position rows between unbounded preceding and 1 preceding) as before
      from ${rows}
    ) sized
    where before >= ${maxPageBytes}
  ) end as at
  from ${rows}`;

const untilCut = (cut: string): string => `position < coalesce((select at from ${cut}), 9223372036854775807)`;

/**
 * Goes on with the CTE `events` in a statement with a materialized CTE `candidates`, rows of the log in their order:
 * those of them that may be in one page, as text. `inPage` then says which are in it.
 *
 * What is far beyond the end of the page must not be made text first, for that is dear. How large a value is stored costs
 * nothing to know; as text it is larger, if anything.
 */
export const eventsSql = `
  stored_cut as (${cutOf('candidates', 'pg_column_size(data)')}
  ), events as materialized (
    select ${eventColumns} from candidates where ${untilCut('stored_cut')}
  ), text_cut as (${cutOf('events', bytesSql)}
  )`;

export const inPage = untilCut('text_cut');

/**
 * Ends a statement whose materialized CTEs are `wanted` (positions) and `candidates`: cuts the page by bytes, and adds
 * the floor and the epoch, which is null for a history that nobody has opened one for.
 */
export const pageSql = `${eventsSql}
  select floor, ${presentEpochSql} as epoch, (select count(*) from wanted) as wanted,
    ${nullColumns} from commitcast.relay
  union all
  select null, null, null, ${eventColumnNames} from events where ${inPage}`;

/** What was read of `(…, upTo]`, where at most `limit` events were asked for. */
export function pageOf(found: readonly PageRow[], limit: number, upTo: number): Page {
  const about = found.find((row) => row.floor !== null);
  const rows = found.filter((row) => row.floor === null);
  const wanted = Number(about?.wanted);
  // A page that no limit has cut reaches the end, also where the last positions are dead.
  const cut = wanted === limit || rows.length < wanted;
  return {
    rows,
    to: cut ? Number(rows.at(-1)?.position ?? upTo) : upTo,
    floor: Number(about?.floor),
    epoch: about?.epoch ?? undefined,
  };
}
