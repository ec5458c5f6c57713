import { Backoff } from '../core/backoff.ts';
import { Flag } from '../core/flag.ts';
import type { Logger } from '../core/logger.ts';
import { Releasers, type Service } from '../core/service.ts';
import { sleep } from '../core/sleep.ts';
import { lockClass, locks } from '../db/advisory-lock.ts';
import { connect, type Connection, type DatabaseAddress } from '../db/connection.ts';
import { HeldLock } from '../db/held-lock.ts';
import { Listener } from '../db/listen.ts';
import type { Doorbell } from '../fanout/doorbell.ts';
import { openEpoch } from '../log/epoch.ts';
import { readHead } from '../log/head.ts';
import type { Committer } from '../log/read-committing.ts';
import { keepHouse } from './keep-house.ts';
import { keepState } from './keep-state.ts';
import { pump } from './pump.ts';
import { SettledReader } from './settled-reader.ts';

/** A read that takes longer will not come: the connection is given up, and the relay begins again. */
const readTimeoutMs = 3_000;

/** Channel of the writers' NOTIFY. */
export const notifyChannel = 'commitcast';

export interface RelayOptions extends DatabaseAddress {
  /** Names this instance in `commitcast.relay.leader`. */
  instanceId: string;
  /** Called for everything that has settled, while this relay leads. Must not throw. */
  onDoorbell: (doorbell: Doorbell) => void;
  logger: Logger;
}

export interface RelayStatus {
  leading: boolean;
  /** Settled position, while leading. */
  head: number | undefined;
  /** Who holds the stream back at this moment. */
  waitingFor: readonly Committer[];
}

/**
 * Reads the log once for the whole cluster. Any number of instances run a relay; an advisory lock elects the one that
 * leads. Two leaders would be harmless: the order is in the rows.
 */
export class Relay implements Service {
  readonly #options: RelayOptions;
  readonly #stopped = new AbortController();
  #running: Promise<void> | undefined;
  #reader: SettledReader | undefined;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  get status(): RelayStatus {
    return {
      leading: this.#reader !== undefined,
      head: this.#reader?.head,
      waitingFor: this.#reader?.waitingFor ?? [],
    };
  }

  /** Returns when the database has answered; who leads shows later. */
  async start(): Promise<void> {
    const first = this.#connect('leader', 0);
    // A stop in the meantime waits for this too.
    this.#running = first.then(
      (connection) => this.#run(connection),
      () => undefined,
    );
    await first;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #run(first: Connection): Promise<void> {
    const { signal } = this.#stopped;
    const backoff = new Backoff({ minMs: 20, maxMs: 1_000 });
    let connection: Connection | undefined = first;
    while (!signal.aborted) {
      try {
        connection ??= await this.#connect('leader', 0);
        await this.#campaign(connection, backoff);
      } catch (error) {
        if (!signal.aborted)
          this.#options.logger.warn({ err: error }, 'the relay lost its database; it tries again');
      }
      await connection?.close();
      connection = undefined;
      await sleep(backoff.next(), signal);
    }
    await connection?.close();
  }

  /** Waits for the leader lock, then leads until the connection is lost or the relay stops. */
  async #campaign(connection: Connection, backoff: Backoff): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    const stopping = () => void connection.close();
    this.#stopped.signal.addEventListener('abort', stopping, { once: true });
    try {
      await connection.client.query('select pg_advisory_lock($1, $2)', [lockClass, locks.leader]);
    } finally {
      this.#stopped.signal.removeEventListener('abort', stopping);
    }
    const releasers = new Releasers();
    try {
      await this.#lead(connection, releasers, backoff);
    } finally {
      this.#reader = undefined;
      await releasers.release();
    }
  }

  async #lead(leader: Connection, releasers: Releasers, backoff: Backoff): Promise<void> {
    const { logger, instanceId, onDoorbell } = this.#options;
    const epoch = await openEpoch(leader.client);
    const { published } = await readHead(leader.client);
    const reader = new SettledReader(published);

    const connection = await this.#connect('relay', readTimeoutMs);
    releasers.add(() => connection.close());
    const awake = new HeldLock(locks.awake, this.#connectionOptions('awake'));
    releasers.add(() => awake.close());
    const notified = new Flag();
    const listener = new Listener({
      ...this.#connectionOptions('listen'),
      channel: notifyChannel,
      onNotify: () => {
        notified.raise();
      },
    });
    releasers.add(() => listener.stop());
    await listener.start();

    backoff.reset();
    this.#reader = reader;
    logger.info({ epoch, published }, 'this relay leads');
    onDoorbell({ epoch, from: published, to: published });

    // Whichever ends first takes the others with it.
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.#stopped.signal, leader.lost, connection.lost]);
    const results = await Promise.allSettled(
      [
        pump({
          db: connection.client,
          reader,
          awake,
          notified,
          isListening: () => listener.listening,
          onSettled: (from, to) => {
            onDoorbell({ epoch, from, to });
          },
          signal,
        }),
        keepState({
          db: leader.client,
          instanceId,
          head: () => reader.head,
          heartbeat: () => {
            onDoorbell({ epoch, from: reader.head, to: reader.head });
          },
          signal,
        }),
        keepHouse({
          open: () => this.#connect('housekeeping', 0),
          head: () => reader.head,
          logger,
          signal,
        }),
      ].map((part) =>
        part.finally(() => {
          over.abort();
        }),
      ),
    );
    if (this.#stopped.signal.aborted) return;
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    throw new Error('a connection of the relay was lost');
  }

  #connect(part: string, statementTimeoutMs: number): Promise<Connection> {
    return connect({ ...this.#connectionOptions(part), statementTimeoutMs });
  }

  #connectionOptions(part: string) {
    const { connectionString, clientConfig, logger } = this.#options;
    return { connectionString, clientConfig, applicationName: `commitcast-${part}`, logger };
  }
}
