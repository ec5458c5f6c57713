import { Backoff } from '../core/backoff.ts';
import type { Service } from '../core/service.ts';
import { sleep } from '../core/sleep.ts';
import { connect, type Connection, type ConnectionOptions } from './connection.ts';

const heartbeatMs = 5_000;

export interface ListenerOptions extends ConnectionOptions {
  channel: string;
  /** A notification came, or may have been missed: the connection was lost, or is new. Read from the log. */
  onNotify: () => void;
}

/**
 * LISTEN on a connection of its own. A notification is a hint and may be lost; what counts is that `listening` is true
 * only while the server would tell us: it is checked by a heartbeat on the same session, so that a half-open
 * connection is found.
 */
export class Listener implements Service {
  readonly #options: ListenerOptions;
  readonly #stopped = new AbortController();
  #running: Promise<void> | undefined;
  #listening = false;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  get listening(): boolean {
    return this.#listening;
  }

  /** Returns when the first LISTEN is active; from then on it reconnects by itself. */
  async start(): Promise<void> {
    const first = this.#listen();
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
      if (connection) {
        backoff.reset();
        await this.#watch(connection);
        this.#listening = false;
        this.#options.onNotify();
        await connection.close();
        connection = undefined;
        continue;
      }
      await sleep(backoff.next(), signal);
      if (signal.aborted) return;
      connection = await this.#listen().catch((error: unknown) => {
        this.#options.logger.debug({ err: error }, 'LISTEN could not be set up again yet');
        return undefined;
      });
    }
    await connection?.close();
  }

  async #listen(): Promise<Connection> {
    const connection = await connect(this.#options);
    try {
      connection.client.on('notification', this.#options.onNotify);
      await connection.client.query(`listen "${this.#options.channel}"`);
    } catch (error) {
      await connection.close();
      throw error;
    }
    this.#listening = true;
    this.#options.onNotify();
    return connection;
  }

  /** Returns when the connection is lost, fails a heartbeat, or the service stops. */
  async #watch({ client, lost }: Connection): Promise<void> {
    const ended = AbortSignal.any([lost, this.#stopped.signal]);
    while (!ended.aborted) {
      await sleep(heartbeatMs, ended);
      if (ended.aborted) return;
      const answered = await Promise.race([
        client.query('select 1').then(
          () => true,
          () => false,
        ),
        sleep(heartbeatMs, ended).then(() => false),
      ]);
      if (!answered) return;
    }
  }
}
