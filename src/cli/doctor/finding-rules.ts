export type Severity = 'error' | 'warning' | 'note';

interface FindingRule {
  /** `error`: events are lost, held up or shown to the wrong ones. `warning`: they soon may be. `note`: worth knowing. */
  readonly severity: Severity;
  readonly meaning: string;
}

/** The one table of what `commitcast doctor` can find; each has a section in docs/doctor.md. Codes never change. */
export const findingRules = {
  DATABASE_POOLED: { severity: 'error', meaning: 'The address leads to a pooler that lends connections' },
  SESSION_POOLER: { severity: 'warning', meaning: 'The address leads to a pooler in session mode' },
  DATABASE_STANDBY: { severity: 'error', meaning: 'The address leads to a standby' },
  ADDRESSES_APART: {
    severity: 'error',
    meaning: 'Instances read another database than the application writes',
  },
  POSTGRES_TOO_OLD: { severity: 'error', meaning: 'Postgres is older than Commitcast needs' },
  POSTGRES_UNTESTED: {
    severity: 'note',
    meaning: 'Postgres is newer than any that Commitcast was tested on',
  },
  SCHEMA_MISSING: { severity: 'error', meaning: 'The schema is missing, or older than this version' },
  SCHEMA_TOO_NEW: { severity: 'error', meaning: 'The schema is newer than this version' },
  OBJECT_MISSING: { severity: 'error', meaning: 'Something that the migrations made is gone' },
  OBJECT_FOREIGN: { severity: 'warning', meaning: 'The schema holds what no migration made' },
  TRIGGER_OFF: { severity: 'error', meaning: 'A trigger is missing, or does not fire in every session' },
  PERMISSION_MISSING: { severity: 'error', meaning: 'The role lacks what an instance needs' },
  PERMISSION_TOO_WIDE: { severity: 'error', meaning: 'A role may write where only the triggers write' },
  RETENTION_NOT_OWNER: { severity: 'warning', meaning: 'Retention is set, and the role may drop nothing' },
  ROLE_IS_SUPERUSER: { severity: 'note', meaning: 'The role may do everything' },
  FSYNC_OFF: { severity: 'error', meaning: 'A crash of the server may lose what was committed' },
  SYNCHRONOUS_COMMIT_OFF: { severity: 'note', meaning: 'Transactions with events take a slower way' },
  REPLICA_ROLE: { severity: 'warning', meaning: 'Sessions do not fire ordinary triggers' },
  NO_IDLE_TIMEOUT: { severity: 'note', meaning: 'A transaction that is left open stays open' },
  PREPARED_TRANSACTIONS_ON: { severity: 'note', meaning: 'Prepared transactions are allowed' },
  PREPARED_TRANSACTION_HOLDS: { severity: 'error', meaning: 'A prepared transaction holds the stream back' },
  PREPARED_TRANSACTION_LEFT: { severity: 'warning', meaning: 'A prepared transaction was left over' },
  CONNECTIONS_FEW: {
    severity: 'warning',
    meaning: 'There is no room for the connections of one more instance',
  },
  CLOCK_SKEW: { severity: 'warning', meaning: 'The clocks of the database and of this machine differ' },
  LOCK_FOREIGN: { severity: 'error', meaning: 'Somebody else holds a lock of Commitcast' },
  COMMIT_HANGS: { severity: 'error', meaning: 'A commit in progress holds the stream back' },
  WRITER_OPEN: { severity: 'warning', meaning: 'A transaction with events has been open for long' },
  OUTBOX_FOREIGN_ROWS: {
    severity: 'warning',
    meaning: 'The outbox holds events that will never be published',
  },
  OUTBOX_NOT_CLEARED: { severity: 'warning', meaning: 'The outbox holds rows of transactions long ended' },
  HEAD_BEHIND_PUBLISHED: { severity: 'error', meaning: 'The log ends before what was published' },
  PUBLISHED_BEHIND_HEAD: { severity: 'error', meaning: 'Committed events are not published' },
  POSITION_BEHIND_HEAD: { severity: 'error', meaning: 'The next position was given before' },
  PARTITIONS_EXHAUSTED: {
    severity: 'error',
    meaning: 'The next event has no partition: commits with events fail',
  },
  PARTITIONS_FEW: { severity: 'warning', meaning: 'Too few partitions lie ahead' },
  EPOCH_STALE: { severity: 'error', meaning: 'The database is not the one that the epoch was opened for' },
  NO_LEADER: { severity: 'warning', meaning: 'Nobody leads: events are kept, and not delivered' },
  HEARTBEAT_STANDS_STILL: { severity: 'error', meaning: 'The leader holds its lock, and does nothing' },
  INSTANCE_SILENT: { severity: 'warning', meaning: 'An instance hangs, or has gone without a word' },
  ADAPTERS_APART: { severity: 'error', meaning: 'Instances do not hear each other' },
  ADAPTER_UNREACHABLE: { severity: 'warning', meaning: 'An instance does not reach its adapter' },
  CONSUMER_FAILED: { severity: 'warning', meaning: 'A consumer stands still' },
  CONSUMER_WITHOUT_WORKER: { severity: 'warning', meaning: 'Nobody runs a consumer' },
  EVENTS_PARKED: { severity: 'warning', meaning: 'A consumer has put events aside' },
  REDIS_UNREACHABLE: { severity: 'error', meaning: 'The Redis that is named does not answer' },
  JWKS_UNREACHABLE: { severity: 'error', meaning: 'The keys that verify tokens cannot be fetched' },
  JWKS_INVALID: { severity: 'error', meaning: 'What is at the address of the keys is no key set' },
  NOT_ALLOWED_TO_LOOK: { severity: 'note', meaning: 'The role may not look everywhere' },
} as const satisfies Record<string, FindingRule>;

export type FindingCode = keyof typeof findingRules;
