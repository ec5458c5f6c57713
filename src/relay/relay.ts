import { Backoff } from '../core/backoff.ts';
import type { Cursor } from '../core/cursor.ts';
import { Flag } from '../core/flag.ts';
import type { Logger } from '../core/logger.ts';
import { Releasers, type Service } from '../core/service.ts';
import { sleep } from '../core/sleep.ts';
import { locks } from '../db/advisory-lock.ts';
import { connect, type Connection, type DatabaseAddress } from '../db/connection.ts';
import { HeldLock } from '../db/held-lock.ts';
import { Listener } from '../db/listen.ts';
import { prepared } from '../db/prepared.ts';
import type { Doorbell } from '../fanout/doorbell.ts';
import { openEpoch } from '../log/epoch.ts';
import { readHead } from '../log/head.ts';
import type { Committer } from '../log/read-committing.ts';
import { Election } from './election.ts';
import { keepHouse } from './keep-house.ts';
import { keepRetention } from './keep-retention.ts';
import { keepState } from './keep-state.ts';
import { pump } from './pump.ts';
import { RelayCounts } from './relay-counts.ts';
import { SettledReader } from '../log/settled-reader.ts';

/** A read that takes longer will not come: the connection is given up, and the relay begins again. */
const readTimeoutMs = 3_000;
/** What a drop waits for is bounded more closely, and it is tried again. */
const retentionTimeoutMs = 30_000;

/** Channel of the writers' NOTIFY. */
export const notifyChannel = 'commitcast';

export interface RelayOptions extends DatabaseAddress {
  /** Names this instance in `commitcast.relay.leader`. */
  instanceId: string;
  /** While it leads, it drops partitions of the log that are older than this. Without it: none. */
  retentionMs?: number | undefined;
  /** While it leads, it forgets the keys of `append` and `once` that are older than this. Without it: none. */
  keyRetentionMs?: number | undefined;
  /**
   * Whoever has to read what is new anyway may do that first when a writer says that there is something: it resolves with
   * how far all is settled, when that is all there is, and the relay need not read it again. Must not reject.
   */
  look?: () => Promise<Cursor | undefined>;
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
 * Reads the log once for the whole cluster. Any number of instances run a relay; an election says which one leads. Two
 * leaders are harmless: the order is in the rows, and dispatchers drop what they have.
 */
export class Relay implements Service {
  readonly counts = new RelayCounts();
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
    const first = this.#candidate();
    // A stop in the meantime waits for this too.
    this.#running = first.then(
      (election) => this.#run(election),
      () => undefined,
    );
    await first;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #run(first: Election): Promise<void> {
    const { signal } = this.#stopped;
    const backoff = new Backoff({ minMs: 20, maxMs: 1_000 });
    let election: Election | undefined = first;
    while (!signal.aborted) {
      try {
        election ??= await this.#candidate();
        await this.#campaign(election, backoff);
      } catch (error) {
        if (!signal.aborted)
          this.#options.logger.warn({ err: error }, 'the relay lost its database; it tries again');
      }
      await election?.close();
      election = undefined;
      await sleep(backoff.next(), signal);
    }
    await election?.close();
  }

  /** Leads whenever it may, until a connection is lost or the relay stops. */
  async #campaign(election: Election, backoff: Backoff): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await election.won(signal);
      if (signal.aborted) return;
      const releasers = new Releasers();
      try {
        await this.#lead(election, releasers, backoff);
      } finally {
        this.#reader = undefined;
        await releasers.release();
      }
    }
  }

  async #lead(election: Election, releasers: Releasers, backoff: Backoff): Promise<void> {
    const { logger, look, onDoorbell, retentionMs, keyRetentionMs } = this.#options;
    const connection = await this.#connect('relay', readTimeoutMs);
    releasers.add(() => connection.close());
    const db = prepared(connection.client);
    const epoch = await openEpoch(db);
    const { published } = await readHead(db);
    const reader = new SettledReader(published);

    const awake = new HeldLock(locks.awake, this.#connectionOptions('awake'));
    releasers.add(() => awake.close());
    const notified = new Flag();
    const listener = new Listener({
      ...this.#connectionOptions('listen'),
      channel: notifyChannel,
      onNotify: (notification) => {
        if (notification) this.counts.notifications += 1;
        notified.raise();
      },
    });
    releasers.add(() => listener.stop());
    await listener.start();

    backoff.reset();
    this.#reader = reader;
    if (election.elected) this.counts.elections += 1;
    else this.counts.standIns += 1;
    if (election.elected) logger.info({ epoch, published }, 'this relay leads');
    else logger.warn({ epoch, published }, 'the leader stands still; this relay stands in for it');
    onDoorbell({ epoch, from: published, to: published });

    // Whichever ends first takes the others with it.
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.#stopped.signal, election.lost, connection.lost]);
    const results = await Promise.allSettled(
      [
        pump({
          db,
          reader,
          awake,
          notified,
          isListening: () => listener.listening,
          look: async () => {
            const seen = await look?.();
            return seen?.epoch === epoch ? seen.position : undefined;
          },
          counts: this.counts,
          onSettled: (from, to) => {
            onDoorbell({ epoch, from, to });
          },
          signal,
        }),
        keepState({
          save: (position) => election.save(position),
          epoch,
          head: () => reader.head,
          heartbeat: () => {
            onDoorbell({ epoch, from: reader.head, to: reader.head });
          },
          signal,
        }),
        keepHouse({
          open: () => this.#connect('housekeeping', 0),
          head: () => reader.head,
          keyRetentionMs,
          logger,
          signal,
        }),
        ...(retentionMs === undefined
          ? []
          : [
              keepRetention({
                open: () => this.#connect('retention', retentionTimeoutMs),
                retentionMs,
                logger,
                signal,
              }),
            ]),
      ].map((part) =>
        part.finally(() => {
          over.abort();
        }),
      ),
    );
    if (this.#stopped.signal.aborted) return;
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    if (election.lost.aborted || connection.lost.aborted)
      throw new Error('a connection of the relay was lost');
    logger.info({ epoch }, 'this relay leads no more: another one does, or the epoch has ended');
  }

  #candidate(): Promise<Election> {
    const { instanceId } = this.#options;
    return Election.begin({ instanceId, connect: (part, limitMs) => this.#connect(part, limitMs) });
  }

  #connect(part: string, statementTimeoutMs: number): Promise<Connection> {
    return connect({ ...this.#connectionOptions(part), statementTimeoutMs });
  }

  #connectionOptions(part: string) {
    const { connectionString, clientConfig, logger } = this.#options;
    return { connectionString, clientConfig, applicationName: `commitcast-${part}`, logger };
  }
}
