import type { Client } from 'pg';
import type { Logger } from '../core/logger.ts';
import { connect, type Connection, type DatabaseAddress } from '../db/connection.ts';

/**
 * What `@socket.io/postgres-adapter` 0.5.0 takes for a pool, made so that its faults do no harm:
 * - its LISTEN client has no `error` listener, so that a lost connection would end the process: ours has one;
 * - it never releases a client that was lost, so that a real pool would run dry: each of ours is a connection alone;
 * - each of its emits is a query of its own, and over a pool two may overtake each other: all go through one
 *   connection, in order;
 * - it tries again for ever, also after it was closed: then `connect` answers no more.
 */
export class AdapterPool {
  readonly #options: DatabaseAddress & { logger: Logger };
  readonly #listening = new Set<Connection>();
  #sender: Promise<Connection> | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: DatabaseAddress & { logger: Logger }) {
    this.#options = options;
  }

  /** A connection for LISTEN. `release` ends it. */
  async connect(): Promise<Client & { release: () => void }> {
    if (this.#closed) return new Promise(() => undefined);
    const connection = await this.#open('adapter-listen');
    if (this.#closed) {
      await connection.close();
      return new Promise(() => undefined);
    }
    // A connection that is lost while LISTEN is set up makes the adapter come twice; it must hear everything once.
    for (const former of this.#listening) {
      former.client.removeAllListeners('notification').removeAllListeners('end');
      void former.close();
    }
    this.#listening.clear();
    this.#listening.add(connection);
    const forget = () => {
      this.#listening.delete(connection);
    };
    connection.lost.addEventListener('abort', forget, { once: true });
    return Object.assign(connection.client, {
      release: () => {
        void connection.close();
      },
    });
  }

  /** One after the other, in the order of the calls. */
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }> {
    const result = this.#queue.then(async () => {
      if (this.#closed) return { rows: [] };
      const { client } = await (this.#sender ??= this.#openSender());
      return client.query(text, values);
    });
    this.#queue = result.catch(() => undefined);
    return result;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const sender = await this.#sender?.catch(() => undefined);
    await Promise.all(
      [...this.#listening, ...(sender ? [sender] : [])].map((connection) => connection.close()),
    );
  }

  async #openSender(): Promise<Connection> {
    try {
      const sender = await this.#open('adapter-send');
      sender.lost.addEventListener(
        'abort',
        () => {
          this.#sender = undefined;
        },
        { once: true },
      );
      return sender;
    } catch (error) {
      this.#sender = undefined;
      throw error;
    }
  }

  #open(part: string): Promise<Connection> {
    return connect({ ...this.#options, applicationName: `commitcast-${part}` });
  }
}
