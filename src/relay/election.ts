import { inTime, sleep } from '../core/sleep.ts';
import { locks, waitForLock } from '../db/advisory-lock.ts';
import type { Connection } from '../db/connection.ts';
import { readHeartbeat } from '../log/read-heartbeat.ts';
import { saveRelayState } from '../log/relay-state.ts';

/** Between two looks at the leader's heartbeat, which counts once a second. */
const watchIntervalMs = 500;
/** A heartbeat that stands still for so long is that of a frozen or cut-off leader. */
const standstillMs = 3_000;
/** Each follower waits up to so much longer, so that not all come at once. */
const spreadMs = 1_000;
/** A connection that does not answer for so long is given up; and so is the statement, by the server. */
const patienceMs = 5_000;

export interface ElectionOptions {
  instanceId: string;
  /** Opens a connection for a part of the relay; the limit is that of its statements, 0: none. */
  connect: (part: string, statementTimeoutMs: number) => Promise<Connection>;
}

/**
 * Who leads: whoever holds the lock LEADER. A leader that dies loses it with its session. One that is frozen, or cut
 * off, keeps its session: a follower that sees the heartbeat stand still, judged by its own monotonic clock, stands in
 * without the lock. Counting on from the very heartbeat that stood still lets one follower do so, and ends it when
 * anybody else counts: the leader that is back, or the one that has got the lock. Nobody is terminated.
 *
 *   follower --lock granted------------------> leader (elected)
 *      |  ^                                      ^
 *      |  +--- somebody else counts ---+         | lock granted
 *      +--- heartbeat stands still --> standing in
 */
export class Election {
  readonly #options: ElectionOptions;
  readonly #candidate: Connection;
  /** Aborts when the lock is granted, or will not be. */
  readonly #decided = new AbortController();
  #elected = false;
  /** Watches, and saves while the other connection waits for the lock. */
  #watcher: Connection | undefined;
  #heartbeat = -1;

  private constructor(options: ElectionOptions, candidate: Connection) {
    this.#options = options;
    this.#candidate = candidate;
    waitForLock(candidate.client, locks.leader)
      .then(async () => {
        // Whoever waits for a lock has no limit; who counts must have one, or its statements would pile up.
        await candidate.client.query(`set statement_timeout = ${patienceMs}`);
        this.#elected = true;
        this.#decided.abort();
      })
      .catch((error: unknown) => {
        this.#decided.abort(error);
      });
  }

  /** Stands for election from now on. */
  static async begin(options: ElectionOptions): Promise<Election> {
    return new Election(options, await options.connect('leader', 0));
  }

  /** Whether the lock is held. */
  get elected(): boolean {
    return this.#elected;
  }

  /** Aborts when a connection is gone that leading rests on. */
  get lost(): AbortSignal {
    const { lost } = this.#candidate;
    return this.#watcher ? AbortSignal.any([lost, this.#watcher.lost]) : lost;
  }

  /**
   * Resolves when this instance shall lead: elected, or standing in; or when the signal aborts. Rejects when a connection
   * is lost, or silent for 5 s; so does `save`.
   */
  async won(signal: AbortSignal): Promise<void> {
    const { instanceId, connect } = this.#options;
    const limitMs = standstillMs + Math.random() * spreadMs;
    const { signal: decided } = this.#decided;
    const woken = AbortSignal.any([decided, signal]);
    let since = performance.now();
    for (;;) {
      await sleep(watchIntervalMs, woken);
      if (signal.aborted) return;
      if (this.#elected) {
        await this.#watcher?.close();
        this.#watcher = undefined;
        return;
      }
      decided.throwIfAborted();
      this.#watcher ??= await connect('follower', patienceMs);
      const { client } = this.#watcher;
      const heartbeat = await inTime(readHeartbeat(client), patienceMs);
      if (heartbeat !== this.#heartbeat) {
        this.#heartbeat = heartbeat;
        since = performance.now();
      }
      if (performance.now() - since < limitMs) continue;
      if (await this.#count(client, instanceId, 0)) return;
    }
  }

  /** Shows that somebody leads, and how far. Returns the epoch in force; `undefined` when another one stands in. */
  async save(published: number): Promise<string | undefined> {
    const { instanceId } = this.#options;
    if (!this.#elected) return this.#watcher && this.#count(this.#watcher.client, instanceId, published);
    const { client } = this.#candidate;
    const state = await inTime(saveRelayState(client, { leader: instanceId, published }), patienceMs);
    return state?.epoch;
  }

  async close(): Promise<void> {
    await Promise.all([this.#candidate.close(), this.#watcher?.close()]);
  }

  async #count(client: Connection['client'], leader: string, published: number): Promise<string | undefined> {
    const state = await inTime(
      saveRelayState(client, { leader, published, after: this.#heartbeat }),
      patienceMs,
    );
    if (state) this.#heartbeat = state.heartbeat;
    return state?.epoch;
  }
}
