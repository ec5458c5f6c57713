import type { MetricDeclaration } from './metrics-declaration.ts';

/** What the instance dispatches, and to whom. Counters are since it started. */
export const gatewayMetrics = {
  commitcast_dispatched_position: {
    type: 'gauge',
    help: 'Last position that this instance has dispatched',
  },
  commitcast_dispatch_batch_events: {
    type: 'histogram',
    help: 'Events that were dispatched at once, to the same rooms; the sum is that of all events dispatched',
  },
  commitcast_commit_to_dispatch_seconds: {
    type: 'histogram',
    help: 'Time from the end of COMMIT, when the position is given, until the event is handed to its rooms: a sample of up to 256 batches between two scrapes, by the clock of the database, never below 0',
  },
  commitcast_commit_to_write_seconds: {
    type: 'histogram',
    help: 'The same until it has been written to all connections that get it; without those, nothing is counted',
  },
  commitcast_written_messages_total: {
    type: 'counter',
    help: 'Messages with live events that were written to connections; several events may share one',
  },
  commitcast_connections: {
    type: 'gauge',
    help: 'Engine.IO connections to this instance, those in a handshake included',
  },
  commitcast_sessions: { type: 'gauge', help: 'Sockets connected to this instance' },
  commitcast_streams: { type: 'gauge', help: 'Streams of server-sent events from this instance' },
  commitcast_session_state: {
    type: 'gauge',
    help: 'Sessions of this instance, over sockets and server-sent events, by what they do now',
    labels: ['state'],
  },
  commitcast_rooms: { type: 'gauge', help: 'Rooms of orgs, sites and units with a socket on this instance' },
  commitcast_sessions_opened_total: { type: 'counter', help: 'Sessions that began' },
  commitcast_sessions_closed_total: {
    type: 'counter',
    help: 'Sessions that the server ended, by the code that it told them; those that left are not among them',
    labels: ['code'],
  },
  commitcast_slow_sessions_total: {
    type: 'counter',
    help: 'Times that a session left live delivery because it did not read',
  },
  commitcast_refusals_total: {
    type: 'counter',
    help: 'Refused: a handshake, a request over a socket, or a request over HTTP; by the code of the answer',
    labels: ['what', 'code'],
  },
  commitcast_limit_refusals_total: {
    type: 'counter',
    help: 'Refused with RATE_LIMITED, by the limit that was reached; absent until it was',
    labels: ['limit'],
  },
  commitcast_replays_total: {
    type: 'counter',
    help: 'Replays that got pages, from recent events in memory, or from the log in the database',
    labels: ['source'],
  },
  commitcast_replay_pages_total: {
    type: 'counter',
    help: 'Pages of replays, from recent events in memory, or from the log in the database',
    labels: ['source'],
  },
  commitcast_replay_events_total: {
    type: 'counter',
    help: 'Events replayed, from recent events in memory, or from the log in the database',
    labels: ['source'],
  },
  commitcast_resets_total: {
    type: 'counter',
    help: 'Sessions that were told to load their state again',
    labels: ['reason'],
  },
  commitcast_pool_connections: {
    type: 'gauge',
    help: 'Connections of a pool, by whether they are at work',
    labels: ['pool', 'state'],
  },
  commitcast_pool_max_connections: {
    type: 'gauge',
    help: 'Connections that a pool may have',
    labels: ['pool'],
  },
  commitcast_pool_waiting_requests: {
    type: 'gauge',
    help: 'Who waits for a connection of a pool',
    labels: ['pool'],
  },
  commitcast_log_lines_total: {
    type: 'counter',
    help: 'Lines logged as warnings and as errors',
    labels: ['level'],
  },
  commitcast_info: {
    type: 'gauge',
    help: '1; says which versions this instance is and runs on',
    labels: ['version', 'node'],
  },
} as const satisfies Record<string, MetricDeclaration>;
