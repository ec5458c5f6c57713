import { Gauge, type Registry } from 'prom-client';
import { listConsumers, type ConsumerPartition } from '../consumer/list-consumers.ts';
import type { Executor } from '../db/executor.ts';
import { readHead } from '../log/head.ts';
import { SharedLook } from './shared-look.ts';

const labelNames = ['consumer', 'partition'] as const;

/** What the database says of all consumers, whichever process runs them. */
export class ConsumerGauges {
  readonly #look: SharedLook<{ head: number; partitions: ConsumerPartition[] }>;
  readonly #databaseUp: Gauge;
  readonly #headPosition: Gauge;
  readonly #ofPartition: {
    gauge: Gauge<(typeof labelNames)[number]>;
    read: (partition: ConsumerPartition) => number;
  }[];

  constructor(db: Executor, registry: Registry) {
    this.#look = new SharedLook(async () => {
      const { last } = await readHead(db);
      return { head: last, partitions: await listConsumers(db) };
    });
    const registers = [registry];
    this.#databaseUp = new Gauge({
      name: 'commitcast_database_up',
      help: '1 when the database answered this scrape; when 0, there are no series of consumers',
      registers,
    });
    this.#headPosition = new Gauge({
      name: 'commitcast_head_position',
      help: 'Last position of the log',
      registers,
    });
    const ofPartition = (name: string, help: string, read: (partition: ConsumerPartition) => number) => ({
      gauge: new Gauge({ name, help, labelNames, registers }),
      read,
    });
    this.#ofPartition = [
      ofPartition(
        'commitcast_consumer_lag_positions',
        'Positions of the log after the checkpoint of the consumer',
        ({ lagPositions }) => lagPositions,
      ),
      ofPartition(
        'commitcast_consumer_lag_seconds',
        'Age of the oldest event after the checkpoint; 0 when there is none',
        ({ lagSeconds }) => lagSeconds ?? 0,
      ),
      ofPartition(
        'commitcast_consumer_parked_events',
        'Events that were put aside, and wait for an operator',
        ({ parked }) => parked,
      ),
      ofPartition(
        'commitcast_consumer_failed',
        '1 while the partition stands still until it is resumed',
        ({ failed }) => Number(failed),
      ),
      ofPartition('commitcast_consumer_paused', '1 while an operator has paused the consumer', ({ paused }) =>
        Number(paused),
      ),
      ofPartition('commitcast_consumer_alive', '1 while a worker has the partition', ({ alive }) =>
        Number(alive),
      ),
    ];
    this.#forget();
  }

  /**
   * Never throws, and never waits long: a database that is away shows in what it sets.
   *
   * @returns the last position of the log, if the database has said it
   */
  async collect(): Promise<number | undefined> {
    const seen = await this.#look.take();
    this.#forget();
    if (!seen) return undefined;
    this.#databaseUp.set(1);
    this.#headPosition.set(seen.head);
    for (const partition of seen.partitions)
      for (const { gauge, read } of this.#ofPartition)
        gauge.set({ consumer: partition.name, partition: String(partition.partition) }, read(partition));
    return seen.head;
  }

  #forget(): void {
    this.#databaseUp.set(0);
    // Reset, a gauge without labels would say 0.
    this.#headPosition.remove();
    for (const { gauge } of this.#ofPartition) gauge.reset();
  }
}
