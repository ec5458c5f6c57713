import type { LeaderStatus, LogStatus, TransactionStatus } from '../core/status.ts';
import { rowsOf, type Executor } from '../db/executor.ts';
import { readPublished } from './head.ts';

/** The database's part of the status. */
export interface DatabaseStatus {
  log: LogStatus;
  /** Settled and saved as such, once a second: how far instances are told to go. */
  published: number;
  leader: LeaderStatus | null;
  oldestWriter: TransactionStatus | null;
}

interface Row {
  version: string;
  epoch: string;
  head: string;
  published: string;
  floor: string;
  partitions: number;
  bytes: string;
  leader: string | null;
  heartbeat_age_ms: number;
  oldest: TransactionStatus | null;
}

// Who has written to the outbox holds its lock to the end of the transaction.
const sql = `
  select current_setting('server_version') as version,
    (select epoch from commitcast.epoch order by ordinal desc limit 1) as epoch,
    greatest(published, (select max(position) from commitcast.log where position > $1)) as head, published, floor,
    (select count(*)::int from commitcast.partition) as partitions,
    (select coalesce(sum(pg_total_relation_size(inhrelid)), 0) from pg_catalog.pg_inherits
     where inhparent = 'commitcast.log'::regclass) as bytes,
    leader, greatest(extract(epoch from clock_timestamp() - updated_at) * 1000, 0)::float8 as heartbeat_age_ms,
    (select jsonb_build_object('pid', l.pid, 'applicationName', coalesce(a.application_name, ''),
       'ageMs', (extract(epoch from clock_timestamp() - a.xact_start) * 1000)::float8)
     from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a on a.pid = l.pid
     where l.locktype = 'relation' and l.granted and l.mode = 'RowExclusiveLock'
       and l.relation = 'commitcast.outbox'::regclass
       and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
     order by a.xact_start limit 1) as oldest
  from commitcast.relay`;

/** Where the log stands, how large it is, who leads, and who has been writing for longest. */
export async function readStatus(db: Executor): Promise<DatabaseStatus> {
  const [row] = await rowsOf<Row>(db, sql, [await readPublished(db)]);
  if (!row) throw new Error('commitcast.relay has lost its row');
  return {
    log: {
      version: row.version.split(' ', 1)[0] ?? '',
      epoch: row.epoch,
      head: Number(row.head),
      floor: Number(row.floor),
      partitions: row.partitions,
      bytes: Number(row.bytes),
    },
    published: Number(row.published),
    leader: row.leader === null ? null : { instance: row.leader, heartbeatAgeMs: row.heartbeat_age_ms },
    oldestWriter: row.oldest,
  };
}
