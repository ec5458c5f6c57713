import type { Pool, PoolClient } from 'pg';
import { Backoff } from '../core/backoff.ts';
import type { DefinedEvent, EventDefinitions, Schemas } from '../core/define-events.ts';
import { CommitcastError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { CommitcastEvent } from '../core/event.ts';
import type { Service } from '../core/service.ts';
import { sleep } from '../core/sleep.ts';
import { createApplicationPool, createPool, type DatabaseAddress } from '../db/connection.ts';
import type { Executor } from '../db/executor.ts';
import { prepared } from '../db/prepared.ts';
import { Consumer, type PartitionStatus } from './consumer.ts';
import type { TransactionalDatabase } from './database.ts';
import { resolveOptions, type ConsumeOptions, type Handler } from './options.ts';
import type { SettledHead } from './settled-head.ts';

/** Heartbeats of all consumers, and pages that are read ahead: short statements, which wait for no handler. */
const controlConnections = 4;

/** A consumer that was registered in this process. */
export interface ConsumerHandle {
  readonly name: string;
  /** The partitions that this process works on at this moment. */
  readonly status: PartitionStatus[];
  /** Resolves when the transactions in flight have ended. */
  stop(): Promise<void>;
}

/**
 * Registers a durable consumer: the handler gets the events of the log, in order, from where it was when it ran last.
 *
 * @throws {CommitcastError} `CONSUMER_INVALID`
 */
export interface Consume {
  <Tx, Of extends Schemas>(
    options: ConsumeOptions<Tx> & { db: TransactionalDatabase<Tx>; events: EventDefinitions<Of> },
    handler: Handler<Tx, DefinedEvent<Of>>,
  ): ConsumerHandle;
  <Of extends Schemas>(
    options: ConsumeOptions<PoolClient> & { events: EventDefinitions<Of> },
    handler: Handler<PoolClient, DefinedEvent<Of>>,
  ): ConsumerHandle;
  <Tx, Event extends CommitcastEvent = CommitcastEvent>(
    options: ConsumeOptions<Tx> & { db: TransactionalDatabase<Tx> },
    handler: Handler<Tx, Event>,
  ): ConsumerHandle;
  <Event extends CommitcastEvent = CommitcastEvent>(
    options: ConsumeOptions<PoolClient>,
    handler: Handler<PoolClient, Event>,
  ): ConsumerHandle;
}

export interface ConsumersOptions extends DatabaseAddress {
  head: SettledHead;
  logger: Logger;
}

/** The consumers of one process. They can be registered before the start, and after it. */
export class Consumers implements Service {
  readonly #head: SettledHead;
  readonly #logger: Logger;
  readonly #control: Pool;
  readonly #prepared: Executor;
  readonly #handlers: Pool;
  readonly #consumers = new Map<string, Service>();
  #state: 'new' | 'started' | 'stopped' = 'new';

  constructor({ head, logger, connectionString, clientConfig }: ConsumersOptions) {
    this.#head = head;
    this.#logger = logger;
    const address = { connectionString, clientConfig, logger };
    this.#control = createPool({
      ...address,
      applicationName: 'commitcast-consumer',
      max: controlConnections,
    });
    this.#prepared = prepared(this.#control);
    this.#handlers = createApplicationPool({
      ...address,
      applicationName: 'commitcast-handler',
      max: 1,
    });
    this.#handlers.options.max = 0;
  }

  readonly consume: Consume = <Tx>(options: ConsumeOptions<Tx>, handler: Handler<Tx>): ConsumerHandle => {
    if (this.#state === 'stopped') throw new CommitcastError('SHUTTING_DOWN');
    const resolved = resolveOptions(options, handler);
    if (this.#consumers.has(resolved.name))
      throw new CommitcastError(
        'CONSUMER_INVALID',
        `name: ${resolved.name} is registered in this process already`,
      );
    const consumer = new Consumer<Tx>({
      options: resolved,
      control: this.#control,
      prepared: this.#prepared,
      db: options.db ?? this.#handlers,
      head: this.#head,
      logger: this.#logger,
    });
    const { name } = consumer;
    this.#consumers.set(name, consumer);
    // One for each that may be at work at the same time: nobody waits for another one's handler.
    if (!options.db) this.#handlers.options.max += resolved.partitions;
    const stopped = new AbortController();
    if (this.#state === 'started') void this.#startLate(consumer, stopped.signal);
    return {
      name,
      get status() {
        return consumer.status;
      },
      stop: async () => {
        stopped.abort();
        await consumer.stop();
        if (this.#consumers.get(name) !== consumer) return;
        this.#consumers.delete(name);
        if (!options.db) this.#handlers.options.max -= resolved.partitions;
      },
    };
  };

  /** Its connections to the database. */
  get pools(): Record<'consumer' | 'handler', Pool> {
    return { consumer: this.#control, handler: this.#handlers };
  }

  /** @throws {CommitcastError} what a consumer is refused for */
  async start(): Promise<void> {
    this.#state = 'started';
    await Promise.all([...this.#consumers.values()].map((consumer) => consumer.start()));
  }

  async stop(): Promise<void> {
    this.#state = 'stopped';
    await Promise.all([...this.#consumers.values()].map((consumer) => consumer.stop()));
    await Promise.all([this.#control.end(), this.#handlers.end()]);
  }

  /** Nobody waits for it: so it is tried until the database answers. */
  async #startLate(consumer: Service & { name: string }, stopped: AbortSignal): Promise<void> {
    const backoff = new Backoff({ minMs: 100, maxMs: 5_000 });
    const fields = { consumer: consumer.name };
    while (!stopped.aborted && this.#state === 'started') {
      try {
        await consumer.start();
        return;
      } catch (error) {
        if (error instanceof CommitcastError) {
          this.#logger.error({ err: error, ...fields }, 'a consumer was not started');
          return;
        }
        this.#logger.warn(
          { err: error, ...fields },
          'a consumer could not be started yet; it is tried again',
        );
        await sleep(backoff.next(), stopped);
      }
    }
  }
}
