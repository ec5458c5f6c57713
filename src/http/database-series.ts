import { listConsumers, type ConsumerPartition } from '../consumer/list-consumers.ts';
import { readHead, type Head } from '../log/head.ts';
import { readAgeAfter } from '../log/read-age-after.ts';
import { readLeaderAge } from '../log/read-leader-age.ts';
import { DeliveryLatency } from './delivery-latency.ts';
import type { Instance } from './instance.ts';
import type { databaseMetrics } from './metrics-declared-database.ts';
import type { MetricsRegistry } from './metrics-registry.ts';
import { SharedLook } from './shared-look.ts';

interface Seen {
  head: Head;
  leaderAge: number | undefined;
  lagSeconds: number;
  consumers: ConsumerPartition[];
}

/**
 * What only the database knows: how long the log is, how far all consumers are, whichever process runs them, and when
 * events were committed. Returns how it is looked at before a scrape; that never throws, and never waits long.
 */
export function databaseSeries(
  registry: MetricsRegistry,
  { db, gateway: { dispatcher, deliveries } }: Instance,
): () => Promise<void> {
  const latency = new DeliveryLatency(deliveries.times);
  const look = new SharedLook<Seen>(async () => {
    await latency.collect(db);
    return {
      head: await readHead(db),
      leaderAge: await readLeaderAge(db),
      lagSeconds: await readAgeAfter(db, dispatcher.position),
      consumers: await listConsumers(db),
    };
  });
  let seen: Seen | undefined;

  registry.number('commitcast_database_up', () => Number(seen !== undefined));
  registry.number('commitcast_head_position', () => seen?.head.last);
  registry.number('commitcast_published_position', () => seen?.head.published);
  registry.number('commitcast_floor_position', () => seen?.head.floor);
  registry.number('commitcast_leader_heartbeat_age_seconds', () => seen?.leaderAge);
  registry.number(
    'commitcast_dispatch_lag_positions',
    () => seen && Math.max(seen.head.last - dispatcher.position, 0),
  );
  registry.number('commitcast_dispatch_lag_seconds', () => seen?.lagSeconds);
  registry.distributions('commitcast_commit_to_dispatch_seconds', () => [[{}, latency.toDispatch]]);
  registry.distributions('commitcast_commit_to_write_seconds', () => [[{}, latency.toWrite]]);

  const ofConsumers = (
    name: Extract<keyof typeof databaseMetrics, `commitcast_consumer_${string}`>,
    read: (partition: ConsumerPartition) => number,
  ) => {
    registry.numbers(name, () =>
      (seen?.consumers ?? []).map(
        (each) => [{ consumer: each.name, partition: String(each.partition) }, read(each)] as const,
      ),
    );
  };
  ofConsumers('commitcast_consumer_lag_positions', ({ lagPositions }) => lagPositions);
  ofConsumers('commitcast_consumer_lag_seconds', ({ lagSeconds }) => lagSeconds ?? 0);
  ofConsumers('commitcast_consumer_parked_events', ({ parked }) => parked);
  ofConsumers('commitcast_consumer_failed', ({ failed }) => Number(failed));
  ofConsumers('commitcast_consumer_paused', ({ paused }) => Number(paused));
  ofConsumers('commitcast_consumer_alive', ({ alive }) => Number(alive));

  return async () => {
    seen = await look.take();
  };
}
