import type { CommitcastEvent } from '../core/event.ts';
import type { EventRow } from '../log/event-row.ts';
import type { SavedRow } from '../stream/saved-state.ts';
import { isEvent, type LogEntry } from './memory-log.ts';
import type { TablesOfTransaction } from './memory-tables.ts';

/** What a statement of `readStream` asks for. */
export interface StreamRead {
  readonly org: string;
  readonly stream: string;
  readonly from: number;
  readonly to: number;
  readonly after: number;
}

/** What the statement of `readStream` asks for, or `undefined` for any other statement. */
export function streamReadBy(text: string, values: readonly unknown[]): StreamRead | undefined {
  const isRead =
    /\bcommitcast\.log\s+where org_id = \$1 and stream = \$2 and version >= \$3 and version <= \$4 and position > \$5\s/.test(
      text,
    ) && values.length >= 5;
  if (!isRead) return undefined;
  // Over drizzle a value has a number for each of its places; those of the first places are the first.
  const [org, stream, from, to, after] = values as [string, string, number, number, number];
  return { org, stream, from, to, after };
}

/**
 * The committed events of the stream, each with the stream's version; or one row without an event. As in the database,
 * a transaction cannot read what it has itself appended, and learns that it has.
 */
export function streamRows(
  entries: readonly LogEntry[],
  tables: TablesOfTransaction,
  { org, stream, from, to, after }: StreamRead,
): object[] {
  const known = {
    stream_version: tables.stream.read(org, stream) ?? null,
    own: tables.stream.isOwn(org, stream),
  };
  const rows = entries
    .filter(isEvent)
    .filter((event) => event.org === org && event.stream === stream && event.position > after)
    .filter(({ version = 0 }) => version >= from && version <= to)
    .map((event) => ({ ...known, ...toRow(event) }));
  return rows.length > 0 ? rows : [{ ...known, position: null }];
}

/** Whether the statement asks what was saved of a state. The double saves none: it would be nothing but a cache. */
export function asksForSaved(text: string): boolean {
  return /^\s*select saved\.state::text as state\b[^]*\bjoin commitcast\.state saved\b/.test(text);
}

export const nothingSaved: SavedRow = {
  state: null,
  version: null,
  erasures: null,
  may_be_saved: false,
  // One transaction, as what the double's caller holds always is.
  mark: 'memory',
  read_committed: true,
};

function toRow(event: CommitcastEvent): EventRow {
  const { position, id, type, org, site, unit, stream, version, time, data, meta } = event;
  return {
    position: String(position),
    id,
    org_id: org,
    site_id: site ?? null,
    unit_id: unit ?? null,
    type,
    data: JSON.stringify(data),
    stream: stream ?? null,
    version: version === undefined ? null : String(version),
    meta: meta === undefined ? null : JSON.stringify(meta),
    created_at: time,
    control: false,
    committed_at: null,
  };
}
