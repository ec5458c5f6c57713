import { listConsumers, type ConsumerPartition } from '../consumer/list-consumers.ts';
import type { ConsumerStatus, InstanceStatus, TransactionStatus } from '../core/status.ts';
import type { Executor } from '../db/executor.ts';
import { readInstances } from '../log/read-instances.ts';
import { readStatus, type DatabaseStatus } from '../log/read-status.ts';

/** What the database knows of the installation. */
export interface Installation extends DatabaseStatus {
  /** The oldest first. */
  instances: InstanceStatus[];
  consumers: ConsumerStatus[];
}

export async function readInstallation(db: Executor): Promise<Installation> {
  const status = await readStatus(db);
  const instances = await readInstances(db);
  const consumers = await listConsumers(db);
  return { ...status, instances: instances.flatMap(readable), consumers: consumers.map(consumerStatus) };
}

/** What the one that leads waits for; a leader that is gone may be among them for a minute. */
export function waitingFor(instances: readonly InstanceStatus[]): TransactionStatus[] {
  const [leader] = instances
    .filter(({ report }) => report.relay?.leading)
    .toSorted((a, b) => a.seenAgeMs - b.seenAgeMs);
  return leader?.report.relay?.waitingFor ?? [];
}

/** One of another version may say it in other words: then it is left out, and all others are shown. */
function readable(instance: InstanceStatus): InstanceStatus[] {
  try {
    return [aged(instance)];
  } catch {
    return [];
  }
}

/** Durations in a report are of its moment; here, of this one. */
function aged(instance: InstanceStatus): InstanceStatus {
  const { report, seenAgeMs } = instance;
  const { errors, gateway } = report;
  const older = (ms: number) => Math.round(ms + seenAgeMs);
  return {
    ...instance,
    report: {
      ...report,
      gateway: gateway && {
        ...gateway,
        slowSessions: gateway.slowSessions.map((each) => ({ ...each, slowMs: older(each.slowMs) })),
      },
      errors: { ...errors, recent: errors.recent.map((each) => ({ ...each, agoMs: older(each.agoMs) })) },
    },
  };
}

/** Without the error of its last attempt: that is what a handler said, perhaps about the data of an event. */
function consumerStatus(each: ConsumerPartition): ConsumerStatus {
  const { name, partition, partitions, position, lagPositions, lagSeconds } = each;
  const { alive, failed, paused, attempts, parked } = each;
  return {
    name,
    partition,
    partitions,
    position,
    lagPositions,
    lagSeconds,
    alive,
    failed,
    paused,
    attempts,
    parked,
  };
}
