import type { CommitcastEvent } from '../core/event.ts';

/** A row of the log as the reading operations select it. */
export interface EventRow {
  position: string;
  id: string;
  org_id: string;
  site_id: string | null;
  unit_id: string | null;
  type: string;
  data: unknown;
  stream: string | null;
  version: string | null;
  meta: Record<string, unknown> | null;
  created_at: Date;
  control: boolean;
}

export const eventColumns =
  'position, id, org_id, site_id, unit_id, type, data, stream, version, meta, created_at, control';

/** `null` columns are absent from the wire. */
export function toEvent(row: EventRow): CommitcastEvent {
  const event: CommitcastEvent = {
    position: Number(row.position),
    id: row.id,
    type: row.type,
    org: row.org_id,
    time: row.created_at.toISOString(),
    data: row.data,
  };
  if (row.site_id !== null) event.site = row.site_id;
  if (row.unit_id !== null) event.unit = row.unit_id;
  if (row.stream !== null) event.stream = row.stream;
  if (row.version !== null) event.version = Number(row.version);
  if (row.meta !== null) event.meta = row.meta;
  return event;
}
