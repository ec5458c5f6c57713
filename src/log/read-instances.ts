import type { InstanceStatus } from '../core/status.ts';
import { rowsOf, type Executor } from '../db/executor.ts';

/** Instances that have said of late how they are, the oldest first; as they were when they said so. */
export function readInstances(db: Executor): Promise<InstanceStatus[]> {
  return rowsOf<InstanceStatus>(
    db,
    `select id, kind, host, pid, version, status as report,
       greatest(extract(epoch from clock_timestamp() - started_at) * 1000, 0)::float8 as "upMs",
       greatest(extract(epoch from clock_timestamp() - seen_at) * 1000, 0)::float8 as "seenAgeMs"
     from commitcast.instance where seen_at > clock_timestamp() - interval '60 s' order by started_at, id`,
  );
}
