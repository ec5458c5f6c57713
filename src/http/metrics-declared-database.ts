import type { MetricDeclaration } from './metrics-declaration.ts';

const consumer = ['consumer', 'partition'] as const;

/** What the database says, looked at when an instance is scraped; absent while it does not answer. */
export const databaseMetrics = {
  commitcast_database_up: {
    type: 'gauge',
    help: '1 when the database answered this scrape; when 0, there are no series of what it would have said',
  },
  commitcast_head_position: { type: 'gauge', help: 'Last position of the log' },
  commitcast_published_position: {
    type: 'gauge',
    help: 'Settled position that the leader has saved, which it does once a second',
  },
  commitcast_floor_position: { type: 'gauge', help: 'Oldest position that is kept' },
  commitcast_leader_heartbeat_age_seconds: {
    type: 'gauge',
    help: 'Seconds since a leader showed that it leads, which it does once a second; absent when there never was one',
  },
  commitcast_dispatch_lag_positions: {
    type: 'gauge',
    help: 'Positions of the log that this instance has not dispatched',
  },
  commitcast_dispatch_lag_seconds: {
    type: 'gauge',
    help: 'Seconds since the oldest event that this instance has not dispatched was committed; 0 when there is none',
  },
  commitcast_consumer_lag_positions: {
    type: 'gauge',
    help: 'Positions of the log after the checkpoint of the consumer',
    labels: consumer,
  },
  commitcast_consumer_lag_seconds: {
    type: 'gauge',
    help: 'Seconds since the oldest event after the checkpoint was committed; 0 when there is none',
    labels: consumer,
  },
  commitcast_consumer_parked_events: {
    type: 'gauge',
    help: 'Events that were put aside, and wait for an operator',
    labels: consumer,
  },
  commitcast_consumer_failed: {
    type: 'gauge',
    help: '1 while the partition stands still until it is resumed',
    labels: consumer,
  },
  commitcast_consumer_paused: {
    type: 'gauge',
    help: '1 while an operator has paused the consumer',
    labels: consumer,
  },
  commitcast_consumer_alive: {
    type: 'gauge',
    help: '1 while a worker has the partition',
    labels: consumer,
  },
} as const satisfies Record<string, MetricDeclaration>;
