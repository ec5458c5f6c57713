/** One committed event, as every wire carries it. Names follow CloudEvents where it has one. */
export interface CommitcastEvent<Data = unknown> {
  /** Place in commit order; rises within a database's history, not dense. */
  position: number;
  /** UUID given by the writer, or by the database. */
  id: string;
  type: string;
  org: string;
  site?: string;
  unit?: string;
  stream?: string;
  version?: number;
  /** When the business code inserted the event: ISO 8601, UTC. */
  time: string;
  data: Data;
  meta?: Record<string, unknown>;
}

/** What business code appends. The database gives position and time, and the id when none is given. */
export interface NewEvent<Data = unknown> {
  type: string;
  org: string;
  /** A unit event that names its site reaches the site's `deep` subscribers too. */
  site?: string | undefined;
  unit?: string | undefined;
  data: Data;
  id?: string | undefined;
  /** What the event belongs to, within its org: it gets the next version of it. 1 to 255 characters. */
  stream?: string | undefined;
  /** Version of the stream before this append; `"none"`: it is new. Default: `"any"`. */
  expectedVersion?: 'any' | 'none' | number | undefined;
  meta?: Record<string, unknown> | undefined;
}

/** Bytes of `data` as text that one event may have. */
export const maxDataBytes = 262_144;

/** Types that start so are control events, written by the database's own functions only. */
export const reservedTypePrefix = 'commitcast.';
