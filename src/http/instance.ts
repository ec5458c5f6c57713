import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { Server } from 'socket.io';
import type { Limits } from '../config/limits.ts';
import { Consumers } from '../consumer/consumers.ts';
import { CommitcastError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { Releasers, type Service } from '../core/service.ts';
import { createPool, type DatabaseAddress } from '../db/connection.ts';
import { prepared } from '../db/prepared.ts';
import { attachAdapter, type AdapterName, type AttachedAdapter } from '../fanout/attach-adapter.ts';
import type { Fanout } from '../fanout/doorbell.ts';
import { Gateway } from '../gateway/gateway.ts';
import { readMembership, readPrimaryMembership } from '../gateway/membership.ts';
import { Rights } from '../gateway/rights.ts';
import { createIdentityChecks, type IdentityOptions } from '../gateway/setup-socket-auth.ts';
import { Relay } from '../relay/relay.ts';
import { describeGateway } from './describe-gateway.ts';
import { describeInstance } from './describe-instance.ts';
import { prepareDatabase } from './prepare-database.ts';
import { ProblemLog } from './problem-log.ts';
import { Reporter } from './reporter.ts';
import { SessionWatch } from './session-watch.ts';

/** Connections for replays and memberships; dispatcher, relay and adapter have their own, and wait for nobody. */
const poolSize = 8;
/** The dispatcher reads at once or tries again: it is what everybody waits for. */
const dispatchTimeoutMs = 3_000;

export interface InstanceOptions extends DatabaseAddress, IdentityOptions {
  io: Server;
  adapter: AdapterName;
  redisUrl?: string | undefined;
  relay: boolean;
  migrate: boolean;
  retentionMs?: number | undefined;
  keyRetentionMs?: number | undefined;
  tailBytes: number;
  checkpointIntervalMs: number;
  limits: Limits;
  proxyHops: number;
  localOperator: boolean;
  logger: Logger;
}

/** All parts of one instance, wired: relay, fan-out, dispatcher, gateway. Owns its connections, not the HTTP server. */
export class Instance implements Service {
  readonly id = randomUUID();
  /** Whether who asks from this machine is an operator without a token. */
  readonly localOperator: boolean;
  readonly gateway: Gateway;
  readonly rights: Rights;
  readonly consumers: Consumers;
  readonly db: Pool;
  readonly reporter: Reporter;
  readonly problems: ProblemLog;
  readonly #dispatchDb: Pool;
  readonly #options: InstanceOptions;
  readonly #releasers = new Releasers();
  #relay: Relay | undefined;
  #adapter: AttachedAdapter | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: InstanceOptions) {
    this.#options = options;
    this.localOperator = options.localOperator;
    const { io, connectionString, clientConfig, tailBytes, checkpointIntervalMs } = options;
    this.problems = new ProblemLog(options.logger);
    const logger = this.problems;
    this.db = createPool({
      connectionString,
      clientConfig,
      applicationName: 'commitcast',
      max: poolSize,
      logger,
    });
    this.#dispatchDb = createPool({
      connectionString,
      clientConfig,
      applicationName: 'commitcast-dispatcher',
      statementTimeoutMs: dispatchTimeoutMs,
      max: 1,
      logger,
    });
    // Replays are of any org, rare or not; the dispatcher reads what comes next, whatever it is.
    const replayDb = prepared(this.db);
    const checks = createIdentityChecks({
      ...options,
      getUserPrimaryOrganization:
        options.getUserPrimaryOrganization ?? ((userId) => readPrimaryMembership(replayDb, userId)),
      getUserOrganization:
        options.getUserOrganization ??
        (options.getUserPrimaryOrganization
          ? undefined
          : (userId, org) => readMembership(replayDb, userId, org)),
    });
    this.rights = new Rights(checks);
    this.gateway = new Gateway({
      io,
      db: replayDb,
      dispatchDb: prepared(this.#dispatchDb),
      rights: this.rights,
      tailBytes,
      checkpointIntervalMs,
      limits: options.limits,
      proxyHops: options.proxyHops,
      logger,
    });
    this.consumers = new Consumers({
      connectionString,
      clientConfig,
      head: this.gateway.dispatcher,
      logger,
    });
    const watch = new SessionWatch();
    this.reporter = new Reporter({
      id: this.id,
      kind: 'serve',
      db: this.db,
      position: () => this.gateway.dispatcher.position,
      describe: () =>
        describeInstance({
          adapter: this.#adapter,
          relay: this.#relay,
          gateway: describeGateway(this.gateway, { io, watch, lag: this.reporter.lag }),
          problems: this.problems,
        }),
      logger,
    });
  }

  /** `undefined` until the start. */
  get adapter(): AttachedAdapter | undefined {
    return this.#adapter;
  }

  get relay(): Relay | undefined {
    return this.#relay;
  }

  /** All of its connections to the database but those that it holds alone, such as the relay's. */
  get pools(): Record<'replay' | 'dispatcher' | 'consumer' | 'handler', Pool> {
    return { replay: this.db, dispatcher: this.#dispatchDb, ...this.consumers.pools };
  }

  start(): Promise<void> {
    // A stop that came first has nothing to wait for, and nobody would ever take down what is started after it.
    this.#starting ??= this.#stopping ? Promise.reject(new CommitcastError('SHUTTING_DOWN')) : this.#start();
    return this.#starting;
  }

  async stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    await this.#stopping;
  }

  async #start(): Promise<void> {
    const { io, connectionString, clientConfig, adapter, redisUrl } = this.#options;
    const logger = this.problems;
    const address = { connectionString, clientConfig };
    this.#releasers.add(() => this.db.end());
    this.#releasers.add(() => this.#dispatchDb.end());
    // What a migration warns of are words of the database, not ours: they are not remembered.
    const { migrate, logger: ownLogger } = this.#options;
    await prepareDatabase({ ...address, db: this.db, migrate, logger: ownLogger });

    const attached = await attachAdapter(io, {
      ...address,
      adapter,
      redisUrl,
      db: this.db,
      onGap: () => {
        void this.gateway.dispatcher.look();
      },
      logger,
    });
    this.#adapter = attached;
    this.#releasers.add(() => attached.close());
    const { fanout } = attached;
    await this.gateway.start();
    this.#releasers.add(() => this.gateway.stop());
    this.#releasers.add(
      fanout.onRing((doorbell) => {
        this.gateway.dispatcher.hint(doorbell);
      }),
    );
    if (this.#options.relay) await this.#startRelay(fanout, address);
    this.#releasers.add(() => this.consumers.stop());
    await this.consumers.start();
    this.#releasers.add(() => this.reporter.stop());
    await this.reporter.start();
  }

  async #startRelay(fanout: Fanout, address: DatabaseAddress): Promise<void> {
    this.#relay = new Relay({
      ...address,
      instanceId: this.id,
      retentionMs: this.#options.retentionMs,
      keyRetentionMs: this.#options.keyRetentionMs,
      logger: this.problems,
      // One read in place of three on the way of a lone event: what follows without a gap is settled.
      look: () => this.gateway.dispatcher.look(),
      onDoorbell: (doorbell) => {
        this.gateway.dispatcher.ring(doorbell);
        fanout.ring(doorbell);
      },
    });
    await this.#relay.start();
    this.#releasers.add(() => this.#relay?.stop());
  }

  async #stop(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    await this.#releasers.release();
  }
}
