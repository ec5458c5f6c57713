import type { ResetReason } from './protocol.ts';

/**
 * The answer of `GET /v1/status`: the installation as one instance sees it, for whoever runs it. Durations are in
 * milliseconds before the answer; those between machines are measured by the database's clock. It holds no event data,
 * no token, no e-mail address, no SQL text and no address of a database.
 */
export interface StatusAnswer {
  /** Id of the instance that answers. */
  instance: string;
  /** `unreachable`: it did not answer within two seconds; then `instances` has only the one that answers. */
  database: 'ok' | 'unreachable';
  /** `null` when the database is unreachable. */
  log: LogStatus | null;
  /** Who leads, as the database knows it; `null`: nobody ever has, or the database is unreachable. */
  leader: LeaderStatus | null;
  /** Commits in progress that hold the stream back at this moment, as the leader sees them. */
  waitingFor: TransactionStatus[];
  /**
   * The oldest open transaction that has appended events, or is about to. It holds nothing back: its events come when
   * it commits. `null`: there is none, or the database is unreachable.
   */
  oldestWriter: TransactionStatus | null;
  /** Seen within the last minute: the one that answers first, then the oldest first. */
  instances: InstanceStatus[];
  /** Of the instance that answers: every 2 s of the last 5 minutes, the oldest first; at most 151. */
  samples: StatusSample[];
  /** All partitions of all consumers, by name; empty when the database is unreachable. */
  consumers: ConsumerStatus[];
}

export interface LogStatus {
  /** Version of Postgres, such as `18.0`. */
  version: string;
  epoch: string;
  /** Last position of the log. */
  head: number;
  /** Oldest position that is kept. */
  floor: number;
  partitions: number;
  /** Of all partitions on disk, with their indexes. */
  bytes: number;
}

export interface LeaderStatus {
  /** Id of the instance. */
  instance: string;
  /** Since it last showed in the database that it leads: about a second, unless it is frozen or gone. */
  heartbeatAgeMs: number;
}

export interface TransactionStatus {
  /** Process id of its backend, as in `pg_stat_activity`. */
  pid: number;
  /** Empty where the role of the instance may not see it. */
  applicationName: string;
  /** Since the transaction began; `null` where the role of the instance may not see it. */
  ageMs: number | null;
}

export interface InstanceStatus {
  id: string;
  /** `relay`: a relay in a process of its own, without sockets. */
  kind: 'serve' | 'relay';
  host: string;
  pid: number;
  /** Of Commitcast. */
  version: string;
  /** Since it started. */
  upMs: number;
  /** Since it last reported; it does so every 2 s. 0 for the one that answers. More than 10 s: it hangs, or is gone. */
  seenAgeMs: number;
  report: InstanceReport;
}

/**
 * What an instance says of itself. Instances of the next version read it while they replace this one: fields are added,
 * never changed or taken away.
 */
export interface InstanceReport {
  node: string;
  /** Resident memory. */
  rssBytes: number;
  /** `unreachable`: doorbells of others do not arrive; delivery goes on from the log. `null` before it is attached. */
  adapter: { name: string; state: 'ok' | 'unreachable' } | null;
  /** `null`: this instance has no relay. */
  relay: RelayReport | null;
  /** Of `serve`; `null` for a relay in a process of its own. */
  gateway: GatewayReport | null;
  errors: ErrorReport;
}

export interface RelayReport {
  leading: boolean;
  /** Last settled position, while it leads. */
  head: number | null;
  /** Commits in progress that hold it back, while it leads. */
  waitingFor: TransactionStatus[];
}

export interface GatewayReport {
  epoch: string;
  /** Last position that this instance has delivered. */
  position: number;
  /** Positions between the last one of the log and `position`; `null` while the database has not said the former. */
  lag: number | null;
  sessions: SessionCounts;
  /** Rooms of orgs, sites and units that have a socket here. */
  rooms: number;
  /** Those with most sockets, at most 20. */
  largestRooms: { room: string; sockets: number }[];
  /** Those that have waited longest, at most 20. */
  slowSessions: SlowSession[];
  replays: ReplayReport;
}

export interface SessionCounts {
  /** Live, catching up, and slow. */
  total: number;
  live: number;
  catchingUp: number;
  /** Left their rooms until they have read what was sent to them. */
  slow: number;
  /** Over Socket.IO; the rest of `total` are `streams`. */
  sockets: number;
  /** Over server-sent events. */
  streams: number;
}

export interface SlowSession {
  id: string;
  org: string;
  /** `null` when it is an e-mail address. */
  userId: string | null;
  /** Sent to it and not taken by the network. */
  unsentBytes: number;
  /** Since it was first seen so, to about 2 s. */
  slowMs: number;
}

/** Counted since the instance started. */
export interface ReplayReport {
  /** From recent events in memory. */
  memory: ReplaySourceCounts;
  /** From the log in the database. */
  log: ReplaySourceCounts;
  /** Sessions that were told to load their state again, by the reason. */
  resets: Record<ResetReason, number>;
}

export interface ReplaySourceCounts {
  pages: number;
  events: number;
  /** Catch-ups that got at least one page from here; one that got pages from both counts in both. */
  sessions: number;
}

export interface ErrorReport {
  /** Lines logged as warnings and as errors since the instance started. */
  warnings: number;
  errors: number;
  /** The last 20, the newest first. */
  recent: LoggedProblem[];
}

export interface LoggedProblem {
  agoMs: number;
  level: 'warn' | 'error';
  /** A text of Commitcast's own; what an error itself says may hold data, and is only in the log. */
  message: string;
  /** SQLSTATE, a code of Commitcast, or one of Node such as `ECONNREFUSED`. */
  code: string | null;
}

/** One look at how far the instance that answers is behind. */
export interface StatusSample {
  agoMs: number;
  /** Last position that the instance had delivered. */
  position: number;
  /** Last position of the log; `null`: the database did not answer. */
  head: number | null;
  /** `head` - `position`, not below 0. */
  lag: number | null;
}

/** One partition of a durable consumer. */
export interface ConsumerStatus {
  name: string;
  /** Counted from 0. */
  partition: number;
  partitions: number;
  position: number;
  lagPositions: number;
  /** Age of the oldest event after `position`, in seconds; `null` when there is none. */
  lagSeconds: number | null;
  /** A worker has it. */
  alive: boolean;
  /** Stands still until it is resumed. */
  failed: boolean;
  paused: boolean;
  /** Attempts at the next event that have begun, and not succeeded. */
  attempts: number;
  parked: number;
}
