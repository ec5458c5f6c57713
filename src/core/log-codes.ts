import type { CodeRule } from './code-rule.ts';

/** Codes of writing, reading and following the log. */
export const logCodes = {
  EVENT_INVALID: {
    meaning: 'The event has a field that is missing, of the wrong form, or unknown',
    retry: false,
    remedy: 'Correct the field that the message names.',
    status: 400,
  },
  EVENT_TOO_LARGE: {
    meaning: '`data` is larger than 262,144 bytes as text',
    retry: false,
    remedy: 'Store the large part elsewhere and send a reference to it.',
    status: 413,
  },
  TRANSACTION_INVALID: {
    meaning:
      'What was given as the transaction is none, or does not answer with the rows that were asked for',
    retry: false,
    remedy:
      'Give the transaction of drizzle, pg, postgres.js, Kysely or Knex, or what has query(text, values).',
    status: 500,
  },
  TOO_MANY_EVENTS: {
    meaning: 'The transaction appends more events than one transaction may',
    retry: false,
    remedy: 'Split the work into several transactions.',
    status: 413,
  },
  EVENT_NAME_RESERVED: {
    meaning: 'The name belongs to the wire, or the type starts with `commitcast.`',
    retry: false,
    remedy: 'Choose another name.',
    status: 400,
  },
  EVENTS_PREPARED: {
    meaning: 'PREPARE TRANSACTION with events in it is not supported',
    retry: false,
    remedy: 'Commit the transaction that appends in one phase.',
    status: 400,
  },
  LOG_APPEND_ONLY: {
    meaning: 'The log refuses UPDATE, DELETE and TRUNCATE',
    retry: false,
    remedy: 'Append a new event that corrects the old one; retention removes old partitions.',
    status: 400,
  },
  VERSION_CONFLICT: {
    meaning: 'The stream is at another version than the one expected: somebody else has appended to it',
    retry: false,
    remedy: 'Begin a new transaction, load the stream again, decide anew, and expect the version found.',
    status: 409,
  },
  KEY_REUSED: {
    meaning: 'The key of this append was used before, for other events',
    retry: false,
    remedy: 'Give every append a key of its own, and repeat it only with the same events.',
    status: 409,
  },
  HISTORY_EXPIRED: {
    meaning: 'Events that were asked for are no longer kept',
    retry: false,
    remedy: 'Begin at a saved state, or at the oldest event that is kept.',
    status: 410,
  },
  SNAPSHOT_UNSETTLED: {
    meaning: 'A commit stayed in progress for so long that no snapshot has a place in the order',
    retry: true,
    remedy: 'Try again; find out what holds the commit: a deferred trigger or constraint that waits.',
    status: 503,
  },
  CONSUMER_INVALID: {
    meaning: 'An option of a consumer is not of the form that it takes',
    retry: false,
    remedy: 'Correct the option that the message names.',
    status: 400,
  },
  CONSUMER_CHANGED: {
    meaning: 'The consumer is known by this name with other partitions',
    retry: false,
    remedy: 'Keep the number of partitions, or give the consumer a new name.',
    status: 409,
  },
  CONSUMER_RUNNING: {
    meaning: 'A worker has the consumer at this moment',
    retry: false,
    remedy: 'Stop the processes that run it, then try again.',
    status: 409,
  },
  CONSUMER_FAILED: {
    meaning: 'A partition of the consumer stands still: it cannot handle the next event',
    retry: false,
    remedy: 'Mend what its error says, then `commitcast consumers resume`.',
    status: 409,
  },
  CONSUMER_UNKNOWN: {
    meaning: 'No consumer of this name has ever run against this database',
    retry: false,
    remedy: 'See `commitcast consumers list`.',
    status: 404,
  },
  CONSUMER_NOT_REBUILDABLE: {
    meaning: 'The consumer has no `reset`, so what it has written cannot be taken back',
    retry: false,
    remedy: 'Give it a `reset`; or empty its tables, and rewind it.',
    status: 409,
  },
} as const satisfies Record<string, CodeRule>;
