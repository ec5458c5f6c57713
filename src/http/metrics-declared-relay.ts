import type { MetricDeclaration } from './metrics-declaration.ts';

/** The relay of the instance, and its way to the others. Without a relay there are no series of one. */
export const relayMetrics = {
  commitcast_relay_leading: { type: 'gauge', help: '1 while the relay of this instance leads' },
  commitcast_relay_terms_total: {
    type: 'counter',
    help: 'Times that this relay began to lead: by election, or by standstill of the one that led. Over all instances, changes of the leader',
    labels: ['by'],
  },
  commitcast_relay_reads_total: {
    type: 'counter',
    help: 'Reads of the log by this relay, those that found nothing included',
  },
  commitcast_relay_sleeps_total: {
    type: 'counter',
    help: 'Times that this relay fell asleep, so that writers notify it',
  },
  commitcast_relay_notifications_total: {
    type: 'counter',
    help: 'Notifications (NOTIFY) of writers that this relay heard',
  },
  commitcast_relay_batch_positions: {
    type: 'histogram',
    help: 'Positions that settled at once, as this relay saw it',
  },
  commitcast_settled_wait_seconds: {
    type: 'histogram',
    help: 'Time for which the settled head stood before a missing position. Cause commit: a commit in its last milliseconds, or a position that nobody held; transaction: one that was found to hold it for more than 10 ms',
    labels: ['cause'],
  },
  commitcast_settled_waiting_seconds: {
    type: 'gauge',
    help: 'Time for which the settled head has stood before a missing position now; 0 when it does not',
  },
  commitcast_settled_waiting_transactions: {
    type: 'gauge',
    help: 'Transactions that hold the settled head back now, by application_name; `commitcast status` has their pids',
    labels: ['application'],
  },
  commitcast_adapter_up: {
    type: 'gauge',
    help: '0 while other instances are not reached; events then come from the log, ephemeral messages not at all',
    labels: ['adapter'],
  },
  commitcast_doorbells_total: {
    type: 'counter',
    help: 'Doorbells that this instance has rung for the others, and heard from them',
    labels: ['direction'],
  },
  commitcast_doorbell_gaps_total: {
    type: 'counter',
    help: 'Doorbells heard that did not begin where the one before ended: others were lost, or overtaken',
  },
  commitcast_backfilled_positions_total: {
    type: 'counter',
    help: 'Positions in those gaps: read from the log although no doorbell had told of them',
  },
} as const satisfies Record<string, MetricDeclaration>;
