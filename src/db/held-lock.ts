import { Backoff } from '../core/backoff.ts';
import { inTime, sleep } from '../core/sleep.ts';
import { lockClass, waitForLock } from './advisory-lock.ts';
import { connect, type Connection, type ConnectionOptions } from './connection.ts';

/** A session that does not answer for so long is given up. */
const patienceMs = 5_000;

/**
 * An exclusive advisory lock on a session of its own. `request` never waits: whether the lock is `held` shows later.
 * If this process dies, or the session is lost, Postgres releases the lock.
 *
 *   free --request--> requested --granted--> held --release--> free
 *     ^------------------+---- session lost ----+
 */
export class HeldLock {
  readonly #options: ConnectionOptions;
  readonly #key: number;
  #state: 'free' | 'requested' | 'held' = 'free';
  #connection: Connection | undefined;
  #pending: Promise<void> = Promise.resolve();
  readonly #closing = new AbortController();
  readonly #backoff = new Backoff({ minMs: 20, maxMs: 1_000 });

  constructor(key: number, options: ConnectionOptions) {
    this.#key = key;
    this.#options = { ...options, statementTimeoutMs: 0 };
  }

  get held(): boolean {
    return this.#state === 'held';
  }

  /** Asks for the lock; a failed attempt is back at `free`, and may be asked for again. */
  request(): void {
    if (this.#state !== 'free' || this.#closing.signal.aborted) return;
    this.#state = 'requested';
    this.#pending = this.#acquire().catch(async (error: unknown) => {
      this.#options.logger.debug(
        { err: error, lock: this.#options.applicationName },
        'an advisory lock was not had',
      );
      await sleep(this.#backoff.next(), this.#closing.signal);
      this.#state = 'free';
    });
  }

  /** @throws when the session is gone, and with it the lock; or does not answer, and is given up. */
  async release(): Promise<void> {
    if (this.#state !== 'held' || !this.#connection) return;
    this.#state = 'free';
    const unlocked = this.#connection.client.query('select pg_advisory_unlock($1, $2)', [
      lockClass,
      this.#key,
    ]);
    await inTime(unlocked, patienceMs);
  }

  /** Ends the session, and with it the lock or the request. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#connection?.close();
    await this.#pending;
    await this.#connection?.close();
  }

  async #acquire(): Promise<void> {
    this.#connection ??= await this.#open();
    // Closed while it opened: `close` waits for this, so this must not wait for the lock.
    if (this.#closing.signal.aborted) return;
    await waitForLock(this.#connection.client, this.#key);
    this.#state = 'held';
    this.#backoff.reset();
  }

  async #open(): Promise<Connection> {
    const connection = await connect(this.#options);
    connection.lost.addEventListener('abort', () => {
      this.#connection = undefined;
      // A request that was waiting is rejected by its own query.
      if (this.#state === 'held') this.#state = 'free';
    });
    return connection;
  }
}
