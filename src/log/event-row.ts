import type { CommitcastEvent } from '../core/event.ts';

/** A row of the log as the reading operations select it. */
export interface EventRow {
  position: string;
  id: string;
  org_id: string;
  site_id: string | null;
  unit_id: string | null;
  type: string;
  /** As text: its size is known, and it is parsed once. */
  data: string;
  stream: string | null;
  version: string | null;
  /** As text, too. */
  meta: string | null;
  /** As text, too: whoever needs a date makes one. */
  created_at: Date | string;
  control: boolean;
  /** Of control events only. */
  committed_at: Date | string | null;
}

export const eventColumns =
  'position, id, org_id, site_id, unit_id, type, data::text as data, stream, version, meta::text as meta, created_at::text as created_at, control, committed_at';

/** What an outer query takes of the columns above. */
export const eventColumnNames =
  'position, id, org_id, site_id, unit_id, type, data, stream, version, meta, created_at, control, case when control then committed_at end as committed_at';

/** A row without any of them, typed alike. */
export const nullColumns = `null::bigint as position, null::uuid as id, null::text as org_id, null::text as site_id,
  null::text as unit_id, null::text as type, null::text as data, null::text as stream, null::bigint as version,
  null::text as meta, null::text as created_at, null::boolean as control, null::timestamptz as committed_at`;

/** Bytes of an event's JSON, over the columns above. */
export const bytesSql = 'octet_length(data) + coalesce(octet_length(meta), 0)';

/** Bytes after which a page ends; the event that crosses the mark still belongs to it. */
export const maxPageBytes = 1024 * 1024;

/** `null` columns are absent from the wire. */
export function toEvent(row: EventRow): CommitcastEvent {
  const event: CommitcastEvent = {
    position: Number(row.position),
    id: row.id,
    type: row.type,
    org: row.org_id,
    time: timeOf(row.created_at),
    data: JSON.parse(row.data) as unknown,
  };
  if (row.site_id !== null) event.site = row.site_id;
  if (row.unit_id !== null) event.unit = row.unit_id;
  if (row.stream !== null) event.stream = row.stream;
  if (row.version !== null) event.version = Number(row.version);
  if (row.meta !== null) event.meta = JSON.parse(row.meta) as Record<string, unknown>;
  return event;
}

/** Of local mean times, before there were zones: JavaScript knows none. */
const secondsOfOffset = /([+-]\d\d:\d\d):\d\d$/;
const isoInUtc = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?\+00$/;

/** Writers could once give times that JavaScript has no date for. An event of which that is all that is wrong is read. */
export function timeOf(time: Date | string): string {
  // As Postgres writes it on our own connections: a date would only be made to be taken apart again.
  if (typeof time === 'string' && isoInUtc.test(time))
    return `${time.slice(0, 10)}T${time.slice(11, 19)}.${time.slice(20, -3).slice(0, 3).padEnd(3, '0')}Z`;
  const ms = new Date(typeof time === 'string' ? time.replace(secondsOfOffset, '$1') : time).getTime();
  return new Date(Number.isNaN(ms) ? 0 : ms).toISOString();
}
