import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { Server } from 'socket.io';
import { CommitcastError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { Releasers, type Service } from '../core/service.ts';
import { createPool, type DatabaseAddress } from '../db/connection.ts';
import { attachAdapter, type AdapterName, type AttachedAdapter } from '../fanout/attach-adapter.ts';
import { Relay } from '../relay/relay.ts';
import { describeInstance } from './describe-instance.ts';
import { prepareDatabase } from './prepare-database.ts';
import { ProblemLog } from './problem-log.ts';
import { Reporter } from './reporter.ts';

export interface RelayInstanceOptions extends DatabaseAddress {
  adapter: Exclude<AdapterName, 'memory'>;
  /** For the adapter `redis`. */
  redisUrl?: string | undefined;
  migrate: boolean;
  /** While it leads: how long events are kept. Absent: for ever. */
  retentionMs: number | undefined;
  /** While it leads: how long keys are kept. Absent: for ever. */
  keyRetentionMs: number | undefined;
  logger: Logger;
}

/**
 * A relay in a process of its own: it reads the log for the cluster and rings the instances through their adapter.
 * Its Socket.IO server has no HTTP server, so no client ever reaches it.
 */
export class RelayInstance implements Service {
  readonly id = randomUUID();
  readonly #options: RelayInstanceOptions;
  readonly #db: Pool;
  readonly #problems: ProblemLog;
  readonly #reporter: Reporter;
  readonly #releasers = new Releasers();
  #adapter: AttachedAdapter | undefined;
  #relay: Relay | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: RelayInstanceOptions) {
    this.#options = options;
    const { connectionString, clientConfig } = options;
    this.#problems = new ProblemLog(options.logger);
    const logger = this.#problems;
    this.#db = createPool({
      connectionString,
      clientConfig,
      applicationName: 'commitcast-relay-report',
      max: 1,
      logger,
    });
    this.#reporter = new Reporter({
      id: this.id,
      kind: 'relay',
      db: this.#db,
      position: () => undefined,
      describe: () =>
        describeInstance({
          adapter: this.#adapter,
          relay: this.#relay,
          gateway: null,
          problems: this.#problems,
        }),
      logger,
    });
  }

  /** Returns when the database has answered; who leads shows later. */
  start(): Promise<void> {
    this.#starting ??= this.#stopping ? Promise.reject(new CommitcastError('SHUTTING_DOWN')) : this.#start();
    return this.#starting;
  }

  async stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    await this.#stopping;
  }

  async #start(): Promise<void> {
    const { connectionString, clientConfig, retentionMs, keyRetentionMs, ...options } = this.#options;
    const logger = this.#problems;
    const address = { connectionString, clientConfig };
    this.#releasers.add(() => this.#db.end());
    await prepareDatabase({ ...address, db: this.#db, migrate: options.migrate, logger: options.logger });

    const attached = await attachAdapter(new Server(), {
      ...address,
      adapter: options.adapter,
      redisUrl: options.redisUrl,
      db: this.#db,
      // It only rings: what it may have missed was never for it.
      onGap: () => {},
      logger,
    });
    this.#adapter = attached;
    this.#releasers.add(() => attached.close());
    const relay = new Relay({
      ...address,
      instanceId: this.id,
      retentionMs,
      keyRetentionMs,
      logger,
      onDoorbell: (doorbell) => {
        attached.fanout.ring(doorbell);
      },
    });
    this.#relay = relay;
    this.#releasers.add(() => relay.stop());
    await relay.start();
    this.#releasers.add(() => this.#reporter.stop());
    await this.#reporter.start();
  }

  async #stop(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    await this.#releasers.release();
  }
}
