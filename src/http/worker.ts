import type { Pool, PoolClient } from 'pg';
import { Server } from 'socket.io';
import type { DefinedEvent, EventDefinitions, Schemas } from '../core/define-events.ts';
import { CommitcastError } from '../core/errors.ts';
import type { CommitcastEvent } from '../core/event.ts';
import { silentLogger, type Logger } from '../core/logger.ts';
import { Releasers, type Service } from '../core/service.ts';
import { Consumers, type Consume, type ConsumerHandle } from '../consumer/consumers.ts';
import type { TransactionalDatabase } from '../consumer/database.ts';
import { Follower } from '../consumer/follower.ts';
import type { ConsumeOptions, Handler } from '../consumer/options.ts';
import { addressOfPool, createPool, type DatabaseAddress } from '../db/connection.ts';
import { attachAdapter, type AdapterName } from '../fanout/attach-adapter.ts';
import { prepareDatabase } from './prepare-database.ts';

/** How a process of consumers reaches its database, and hears of what is new. */
export interface WorkerOptions {
  /**
   * The database: its address; or a `pg` pool, or a drizzle database over one, whose address is taken. With an address
   * as well as a `db`, that of a pooler for example, what consumers do for themselves goes to the address.
   */
  databaseUrl?: string | undefined;
  pool?: Pool | undefined;
  db?: { $client: Pool } | Pool | undefined;
  /** That of the instances. Default: `redis` if `redisUrl` is given, else `postgres`. */
  adapter?: Exclude<AdapterName, 'memory'> | undefined;
  redisUrl?: string | undefined;
  /** Whether the schema is brought up to date at the start, or only checked. Default: `true`. */
  migrate?: boolean | undefined;
  /** Any logger of pino's form. Default: none. */
  logger?: Logger | undefined;
}

/** Consumers in a process of their own: no sockets, no HTTP; it hears the doorbells of the relay as instances do. */
export interface Worker extends Service {
  consume: Consume;
}

/**
 * @throws {CommitcastError} `CONFIG_INVALID` when none of `databaseUrl`, `pool` and `db` is given
 *
 * @example
 * const worker = createWorker({ databaseUrl: process.env.DATABASE_URL });
 * worker.consume({ name: 'totals' }, async (tx, events) => { … });
 * await worker.start();
 */
export function createWorker(options: WorkerOptions): Worker {
  const { redisUrl, migrate = true, logger = silentLogger } = options;
  const { adapter = redisUrl === undefined ? 'postgres' : 'redis' } = options;
  const address = addressOf(options);
  const pool = (applicationName: string) => createPool({ ...address, applicationName, max: 1, logger });
  const db = pool('commitcast-worker');
  const follower = new Follower({ db, logger });
  const consumers = new Consumers({ ...address, head: follower, logger });
  const releasers = new Releasers();
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;

  const start = async () => {
    await prepareDatabase({ ...address, db, migrate, logger });
    const attached = await attachAdapter(new Server(), {
      ...address,
      adapter,
      redisUrl,
      db,
      onGap: () => {
        follower.look();
      },
      logger,
    });
    releasers.add(() => attached.close());
    releasers.add(
      attached.fanout.onRing((doorbell) => {
        follower.hint(doorbell);
      }),
    );
    await follower.start();
    releasers.add(() => follower.stop());
    await consumers.start();
  };
  const stop = async () => {
    await starting?.catch(() => undefined);
    const last = new Releasers();
    last.add(() => db.end());
    last.add(() => releasers.release());
    last.add(() => consumers.stop());
    await last.release();
  };
  return {
    consume: consumers.consume,
    start: () => (starting ??= stopping ? Promise.reject(new CommitcastError('SHUTTING_DOWN')) : start()),
    stop: () => (stopping ??= stop()),
  };
}

type StandaloneOptions = Omit<WorkerOptions, 'db'>;

/**
 * One durable consumer in a process without Fastify: starts it, and returns when it is known to the database. With
 * several in a process, `createWorker` lets them share what they listen to.
 *
 * @throws {CommitcastError} `CONSUMER_INVALID`, `CONSUMER_CHANGED`, `CONFIG_INVALID` or what the database refuses
 *
 * @example
 * const consumer = await consume({ db, name: 'totals' }, async (tx, events) => {
 *   for (const { org, data } of events) await tx.insert(total).values({ org, … }).onConflictDoUpdate(…);
 * });
 * process.on('SIGTERM', () => consumer.stop());
 */
export function consume<Tx, Of extends Schemas>(
  options: ConsumeOptions<Tx> &
    StandaloneOptions & {
      db: TransactionalDatabase<Tx> & { $client: Pool };
      events: EventDefinitions<Of>;
    },
  handler: Handler<Tx, DefinedEvent<Of>>,
): Promise<ConsumerHandle>;
export function consume<Of extends Schemas>(
  options: ConsumeOptions<PoolClient> & StandaloneOptions & { db?: Pool; events: EventDefinitions<Of> },
  handler: Handler<PoolClient, DefinedEvent<Of>>,
): Promise<ConsumerHandle>;
export function consume<Tx, Event extends CommitcastEvent = CommitcastEvent>(
  options: ConsumeOptions<Tx> & StandaloneOptions & { db: TransactionalDatabase<Tx> & { $client: Pool } },
  handler: Handler<Tx, Event>,
): Promise<ConsumerHandle>;
export function consume<Event extends CommitcastEvent = CommitcastEvent>(
  options: ConsumeOptions<PoolClient> & StandaloneOptions & { db?: Pool },
  handler: Handler<PoolClient, Event>,
): Promise<ConsumerHandle>;
export async function consume<Tx>(
  given: ConsumeOptions<Tx> &
    StandaloneOptions & { db?: (TransactionalDatabase<Tx> & { $client: Pool }) | Pool },
  handler: Handler<Tx>,
): Promise<ConsumerHandle> {
  const { databaseUrl, pool, adapter, redisUrl, migrate, logger, ...options } = given;
  const { db } = options;
  const worker = createWorker({ databaseUrl, pool, db, adapter, redisUrl, migrate, logger });
  try {
    // The overloads say which handler goes with which database.
    const consumer = worker.consume(options as ConsumeOptions<PoolClient>, handler as Handler<unknown>);
    await worker.start();
    return {
      name: consumer.name,
      get status() {
        return consumer.status;
      },
      stop: () => worker.stop(),
    };
  } catch (error) {
    await worker.stop();
    throw error;
  }
}

function addressOf({ databaseUrl, pool, db }: WorkerOptions): DatabaseAddress {
  if (databaseUrl !== undefined) return { connectionString: databaseUrl };
  const given = pool ?? (db && '$client' in db ? db.$client : db);
  if (typeof given?.connect !== 'function' || typeof given.options !== 'object')
    throw new CommitcastError(
      'CONFIG_INVALID',
      'databaseUrl, pool (of pg) or db (a pool of pg, or drizzle over one) is needed',
    );
  return addressOfPool(given);
}
