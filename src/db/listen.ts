import { escapeIdentifier, type Notification } from 'pg';
import { Backoff } from '../core/backoff.ts';
import { Flag } from '../core/flag.ts';
import type { Service } from '../core/service.ts';
import { sleep } from '../core/sleep.ts';
import { connect, type Connection, type ConnectionOptions } from './connection.ts';

export interface ListenerOptions extends ConnectionOptions {
  /** Those that it listens to from the start; `add` adds to them. */
  channel: string | readonly string[];
  /**
   * A notification came; or, without one, may have been missed: the connection was lost, or is new. Read from the log.
   * Must not throw.
   */
  onNotify: (notification?: Notification) => void;
  /** Milliseconds between two heartbeats, and how long an answer may take. Default: 5,000. */
  heartbeatMs?: number;
}

/**
 * LISTEN on a connection of its own. A notification is a hint and may be lost; what counts is that `listening` is true
 * only while the server would tell us: it is checked by a heartbeat on the same session, so that a half-open
 * connection is found.
 */
export class Listener implements Service {
  readonly #options: ListenerOptions;
  readonly #channels: Set<string>;
  readonly #stopped = new AbortController();
  #running: Promise<void> | undefined;
  /** The connection that listens. */
  #connection: Connection | undefined;
  /** Channels for which LISTEN was sent to it, and is not active yet. */
  #adding = 0;
  /** Connections that were lost, and take their time to end. */
  #closing: Promise<unknown> = Promise.resolve();

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#channels = new Set([options.channel].flat());
  }

  get listening(): boolean {
    return this.#connection !== undefined && this.#adding === 0;
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

  /** Starts without waiting, and tries until there is a connection. */
  keepTrying(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    await this.#closing;
  }

  /** Listens to this channel too, now or from the next connection on. */
  add(channel: string): void {
    if (this.#channels.has(channel)) return;
    this.#channels.add(channel);
    const connection = this.#connection;
    if (!connection) return;
    this.#adding++;
    void listenTo(connection, [channel])
      // A new connection will listen to all of them.
      .catch(() => connection.close())
      .then(() => {
        this.#adding--;
        this.#options.onNotify();
      });
  }

  /** A statement on the connection that listens. @throws when there is none */
  async query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }> {
    if (!this.#connection) throw new Error('the connection that listens was lost');
    return this.#connection.client.query(text, values);
  }

  async #run(first?: Connection): Promise<void> {
    const { signal } = this.#stopped;
    const backoff = new Backoff({ minMs: 20, maxMs: 1_000 });
    let connection = first;
    while (!signal.aborted) {
      connection ??= await this.#listen().catch((error: unknown) => {
        this.#options.logger.debug({ err: error }, 'LISTEN could not be set up yet');
        return undefined;
      });
      if (connection) {
        backoff.reset();
        await this.#watch(connection);
        this.#connection = undefined;
        if (!signal.aborted) this.#options.onNotify();
        // One that is half-open takes half a second to end: the next one need not wait for it.
        this.#closing = Promise.all([this.#closing, connection.close()]);
        connection = undefined;
      }
      await sleep(backoff.next(), signal);
    }
    this.#connection = undefined;
    await connection?.close();
  }

  async #listen(): Promise<Connection> {
    const connection = await connect(this.#options);
    try {
      connection.client.on('notification', this.#options.onNotify);
      const heard = new Set<string>();
      // Some may be added meanwhile.
      while (this.#channels.size > heard.size) {
        const missing = [...this.#channels].filter((channel) => !heard.has(channel));
        await listenTo(connection, missing);
        for (const channel of missing) heard.add(channel);
      }
    } catch (error) {
      await connection.close();
      throw error;
    }
    this.#connection = connection;
    this.#options.onNotify();
    return connection;
  }

  /** Returns when the connection is lost, fails a heartbeat, or the service stops. */
  async #watch({ client, lost }: Connection): Promise<void> {
    const { heartbeatMs = 5_000 } = this.#options;
    const ended = AbortSignal.any([lost, this.#stopped.signal]);
    while (!ended.aborted) {
      await sleep(heartbeatMs, ended);
      if (ended.aborted) return;
      const answered = new Flag();
      client.query('select 1').then(
        () => {
          answered.raise();
        },
        () => undefined,
      );
      await answered.wait(heartbeatMs, ended);
      if (!answered.take()) return;
    }
  }
}

async function listenTo({ client }: Connection, channels: readonly string[]): Promise<void> {
  await client.query(channels.map((channel) => `listen ${escapeIdentifier(channel)}`).join('; '));
}
