import type { InstanceReport, InstanceStatus } from '../core/status.ts';
import { rowsOf, type Executor } from '../db/executor.ts';

/** Who reports: what does not change while it runs. */
export type InstanceName = Pick<InstanceStatus, 'id' | 'kind' | 'host' | 'pid' | 'version'>;

/**
 * Says in the database how an instance is, and forgets those that have said nothing for a minute. Nobody waits for
 * anybody: rows that others hold are left to the next report. The end of the log is looked for after what the instance has
 * delivered, a value that the planner sees: it need not look at all partitions every two seconds.
 *
 * @returns the last position of the log; for a relay, that which was published
 */
export async function reportInstance(
  db: Executor,
  { id, kind, host, pid, version }: InstanceName,
  { upMs, report }: { upMs: number; report: InstanceReport },
): Promise<number> {
  const [row] = await rowsOf<{ head: string }>(
    db,
    `with forgotten as (
       delete from commitcast.instance where ctid = any(array(
         select ctid from commitcast.instance
         where id <> $1 and seen_at < clock_timestamp() - interval '60 s' for update skip locked
       ))
     ), reported as (
       insert into commitcast.instance (id, kind, host, pid, version, started_at, seen_at, status)
       values ($1, $2, $3, $4, $5, clock_timestamp() - $6 * interval '1 ms', clock_timestamp(), $7)
       on conflict (id) do update set seen_at = excluded.seen_at, status = excluded.status
     )
     select greatest(published, $8, (select max(position) from commitcast.log where position > $8)) as head
     from commitcast.relay`,
    [
      id,
      kind,
      host,
      pid,
      version,
      Math.round(upMs),
      JSON.stringify(report),
      report.gateway?.position ?? null,
    ],
  );
  if (!row) throw new Error('commitcast.relay has lost its row');
  return Number(row.head);
}
