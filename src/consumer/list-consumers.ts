import { rowsOf } from '../db/executor.ts';
import { executorOf, type Transaction } from '../log/transaction.ts';

/** One partition of a consumer, as anybody can see it in the database. */
export interface ConsumerPartition {
  name: string;
  partition: number;
  partitions: number;
  /** Everything up to here is handled, or parked. Where there is nothing to handle, it is saved once a second. */
  position: number;
  /** Last position of the log. */
  head: number;
  /** Oldest position that is kept. */
  floor: number;
  lagPositions: number;
  /** Age of the oldest event after `position`; `null` when there is none. */
  lagSeconds: number | null;
  /** Who works on it, or did so last. */
  worker: string | null;
  /** Whether that worker has shown of late that it lives. */
  alive: boolean;
  /** Attempts at the next event that have begun, and not succeeded. */
  attempts: number;
  /** It stands still until it is resumed. */
  failed: boolean;
  error: string | null;
  paused: boolean;
  rebuildable: boolean;
  /** A rebuild was asked for, and has not begun. */
  rebuildAsked: boolean;
  parked: number;
}

const counts = ['position', 'head', 'floor', 'lagPositions', 'parked'] as const;
type Row = Omit<ConsumerPartition, (typeof counts)[number]> & Record<(typeof counts)[number], string>;

/** All consumers that have ever run against this database, by name and partition. */
export async function listConsumers(db: Transaction): Promise<ConsumerPartition[]> {
  const executor = executorOf(db);
  const [from] = await rowsOf<{ published: string; least: string }>(executor, beginningSql);
  const rows = await rowsOf<Row>(executor, sql, [from?.published ?? 0, from?.least ?? 0]);
  return rows.map((row) => ({
    ...row,
    ...(Object.fromEntries(counts.map((column) => [column, Number(row[column])])) as Record<
      (typeof counts)[number],
      number
    >),
  }));
}

// Where there is something to look for: numbers that the planner knows leave out the partitions below them.
const beginningSql = `
  select published, coalesce((select min(position) from commitcast.consumer_partition), published) as least
  from commitcast.relay`;

// A consumer that is rewound in between seems younger than it is, until the next look.
const sql = `
  with log_end as materialized (
    select greatest(published, (select max(position) from commitcast.log where position > $1)) as head, floor
    from commitcast.relay
  ), parked as materialized (
    select name, partition, count(*) from commitcast.parked group by name, partition
  )
  select p.name, p.partition, c.partitions, p.position, e.head, e.floor,
    greatest(e.head - p.position, 0) as "lagPositions",
    case when next.committed_at is not null
      then greatest(extract(epoch from clock_timestamp() - next.committed_at), 0)::float8
    end as "lagSeconds",
    l.worker, coalesce(l.worker is not null and l.expires_at > clock_timestamp(), false) as alive,
    p.attempts, p.failed, p.error, c.paused, c.rebuildable, c.rebuild as "rebuildAsked",
    coalesce(k.count, 0) as parked
  from commitcast.consumer c
    cross join log_end e
    join commitcast.consumer_partition p using (name)
    left join commitcast.consumer_lease l using (name, partition)
    left join parked k using (name, partition)
    left join lateral (
      select committed_at from commitcast.log where log.position > p.position and log.position > $2
      order by log.position limit 1
    ) next on true
  order by p.name, p.partition`;
