import { lockClass } from './advisory-lock.ts';
import { connect, type Connection, type ConnectionOptions } from './connection.ts';

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
  #closed = false;
  #pending: Promise<void> = Promise.resolve();

  constructor(key: number, options: ConnectionOptions) {
    this.#key = key;
    this.#options = { ...options, statementTimeoutMs: 0 };
  }

  get held(): boolean {
    return this.#state === 'held';
  }

  /** Asks for the lock; a failed attempt is back at `free`, and may be asked for again. */
  request(): void {
    if (this.#state !== 'free' || this.#closed) return;
    this.#state = 'requested';
    this.#pending = this.#acquire().catch((error: unknown) => {
      this.#state = 'free';
      this.#options.logger.debug(
        { err: error, lock: this.#options.applicationName },
        'an advisory lock was not had',
      );
    });
  }

  /** @throws when the session is gone; then the lock is, too. */
  async release(): Promise<void> {
    if (this.#state !== 'held' || !this.#connection) return;
    this.#state = 'free';
    await this.#connection.client.query('select pg_advisory_unlock($1, $2)', [lockClass, this.#key]);
  }

  /** Ends the session, and with it the lock or the request. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#connection?.close();
    await this.#pending;
    await this.#connection?.close();
  }

  async #acquire(): Promise<void> {
    this.#connection ??= await this.#open();
    // Closed while it opened: `close` waits for this, so this must not wait for the lock.
    if (this.#closed) return;
    await this.#connection.client.query('select pg_advisory_lock($1, $2)', [lockClass, this.#key]);
    this.#state = 'held';
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
