import { Gauge, type Registry } from 'prom-client';
import { inTime } from '../core/sleep.ts';
import { listConsumers, type ConsumerPartition } from '../consumer/list-consumers.ts';
import type { Executor } from '../db/executor.ts';
import { readHead } from '../log/head.ts';

/** Scrapers that come together share one look at the database. */
const freshMs = 1_000;
/** A scrape does not wait longer for the database. */
const patienceMs = 2_000;

const labelNames = ['consumer', 'partition'] as const;

/** What the database says of all consumers, whichever process runs them. */
export class ConsumerGauges {
  readonly #db: Executor;
  readonly #databaseUp: Gauge;
  readonly #headPosition: Gauge;
  readonly #ofPartition: {
    gauge: Gauge<(typeof labelNames)[number]>;
    read: (partition: ConsumerPartition) => number;
  }[];
  #readAt = -Infinity;
  #reading: Promise<void> | undefined;

  constructor(db: Executor, registry: Registry) {
    this.#db = db;
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

  /** Never throws, and never waits long: a database that is away shows in what it sets. */
  async collect(): Promise<void> {
    if (performance.now() - this.#readAt < freshMs) return;
    // One that hangs is not asked again beside it.
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
    try {
      await inTime(this.#reading, patienceMs);
    } catch {
      this.#forget();
    }
  }

  async #read(): Promise<void> {
    const { last } = await readHead(this.#db);
    const partitions = await listConsumers(this.#db);
    this.#forget();
    this.#databaseUp.set(1);
    this.#headPosition.set(last);
    for (const partition of partitions)
      for (const { gauge, read } of this.#ofPartition)
        gauge.set({ consumer: partition.name, partition: String(partition.partition) }, read(partition));
    this.#readAt = performance.now();
  }

  #forget(): void {
    this.#databaseUp.set(0);
    // Reset, a gauge without labels would say 0.
    this.#headPosition.remove();
    for (const { gauge } of this.#ofPartition) gauge.reset();
  }
}
