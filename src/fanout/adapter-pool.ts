import { createHash, randomUUID } from 'node:crypto';
import type { Notification } from 'pg';
import type { Logger } from '../core/logger.ts';
import { inTime } from '../core/sleep.ts';
import type { DatabaseAddress } from '../db/connection.ts';
import { Listener } from '../db/listen.ts';
import { AdapterSender, type Statement } from './adapter-sender.ts';

/** A start does not wait longer for LISTEN: the log has what is missed. */
const startMs = 5_000;
/** A half-open LISTEN is found within twice this. */
const heartbeatMs = 2_000;
/** An attachment is read before what came after it is handed on; more than this does not wait. */
const maxUnread = 5_000;

export interface AdapterPoolOptions extends DatabaseAddress {
  /** Channels that the adapter is going to ask for: `start` waits until LISTEN is active for them. */
  channels: readonly string[];
  /** Notifications may have been missed: LISTEN was lost, or is active again. */
  onGap: () => void;
  logger: Logger;
}

type Receive = (notification: Notification) => unknown;

/** As much of a `pg` client as the adapter uses. */
export interface AdapterClient {
  on(event: string, listener: Receive): void;
  query(text: string): Promise<{ rows: unknown[] }>;
  removeAllListeners(event: string): void;
  release(): void;
}

/**
 * What `@socket.io/postgres-adapter` 0.5.0 takes for a pool, made so that its faults do no harm:
 * - its LISTEN client has no `error` listener, is never released when it was lost, and is replaced only after one to
 *   three seconds: the client that it gets here never ends, and LISTEN is kept alive underneath;
 * - each of its emits is a query of its own, and over a pool two may overtake each other: all go through one
 *   connection, in order;
 * - a large payload takes two queries to send and one to read, in which small ones overtake it: here it is sent by one
 *   statement in its place, and what comes after it waits until it was read;
 * - it puts the names of namespaces into LISTEN as they are.
 */
export class AdapterPool {
  readonly #options: AdapterPoolOptions;
  readonly #listener: Listener;
  readonly #sender: AdapterSender;
  /** By the id that the adapter was given: sends the attachment, with the notification that names it. */
  readonly #attachments = new Map<string, (channel: string, header: string) => Promise<unknown>>();
  #receive: Receive = () => undefined;
  #received: Promise<unknown> = Promise.resolve();
  #unread = 0;
  #onListening: () => void = () => undefined;

  constructor(options: AdapterPoolOptions) {
    const { channels, connectionString, clientConfig, logger } = options;
    const address = { connectionString, clientConfig, logger };
    this.#options = options;
    this.#listener = new Listener({
      ...address,
      applicationName: 'commitcast-adapter-listen',
      channel: channels.map(channelOf),
      heartbeatMs,
      onNotify: (notification) => {
        if (notification) this.#hear(notification);
        else this.#gap();
      },
    });
    this.#sender = new AdapterSender({ ...address, applicationName: 'commitcast-adapter-send' });
  }

  get state(): 'ok' | 'unreachable' {
    return this.#listener.listening && this.#sender.ok ? 'ok' : 'unreachable';
  }

  /** Returns when LISTEN is active; or after some seconds without it, with a warning. From then on it is kept alive. */
  async start(): Promise<void> {
    const listening = new Promise<void>((resolve) => {
      this.#onListening = resolve;
    });
    this.#listener.keepTrying();
    const inVain = (error: unknown) => {
      this.#options.logger.warn({ err: error }, 'started before the Socket.IO adapter could LISTEN');
    };
    await Promise.all([this.#sender.start(), inTime(listening, startMs).catch(inVain)]);
  }

  /** The client for LISTEN. It never ends by itself, so that the adapter has nothing to repair. */
  connect(): Promise<AdapterClient> {
    return Promise.resolve({
      on: (event, listener) => {
        if (event === 'notification') this.#receive = listener;
      },
      query: (text) => {
        const channel = /^LISTEN "(.*)"$/s.exec(text)?.[1];
        if (channel === undefined)
          return Promise.reject(new Error(`the client for LISTEN was asked: ${text}`));
        this.#listener.add(channelOf(channel));
        return Promise.resolve({ rows: [] });
      },
      removeAllListeners: () => undefined,
      release: () => void this.#listener.stop(),
    });
  }

  /**
   * One after the other, in the order of the calls. A notification that cannot be sent is lost without an error: the
   * adapter would keep it from the sockets of this instance too.
   */
  async query(text: string, values: unknown[] = []): Promise<{ rows: unknown[] }> {
    if (text.startsWith('SELECT pg_notify')) {
      const [channel, payload] = values as [string, string];
      await this.#notify(channelOf(channel), payload);
      return { rows: [] };
    }
    if (text.startsWith('INSERT')) return { rows: [{ id: this.#attach(text, values) }] };
    // What was heard is read where it was heard: it does not wait behind what is sent.
    if (text.startsWith('SELECT')) return this.#listener.query(text, values);
    return { rows: await this.#sender.send({ text, values }, 0) };
  }

  /** Sends what the adapter said last, if that does not take long. */
  async close(): Promise<void> {
    await Promise.all([this.#listener.stop(), this.#sender.stop()]);
  }

  async #notify(channel: string, payload: string): Promise<void> {
    try {
      const id = this.#attachments.size > 0 ? /"attachmentId":"([0-9a-f-]{36})"\}$/.exec(payload)?.[1] : '';
      const attachment = this.#attachments.get(id ?? '');
      const text = 'select pg_notify($1, $2)';
      await (attachment?.(channel, payload) ??
        this.#sender.send({ text, values: [channel, payload] }, Buffer.byteLength(payload)));
    } catch (error) {
      this.#options.logger.debug({ err: error }, 'a message of the Socket.IO adapter could not be sent');
    }
  }

  /** Takes its place in the order; what the notification says, the adapter says in the same turn of the event loop. */
  #attach(insert: string, [payload]: unknown[]): string {
    const id = randomUUID();
    const statement = new Promise<Statement>((resolve) => {
      this.#attachments.set(id, (channel, header) => {
        this.#attachments.delete(id);
        resolve({
          text: `with attachment as (${insert.replace(/;$/, '')})
            select pg_notify($2, replace($3, $4, id::text)) from attachment`,
          values: [payload, channel, header, id],
        });
        return sent;
      });
    });
    const sent = this.#sender.send(statement, (payload as Uint8Array).byteLength);
    // The adapter hears of it by the notification.
    sent.catch(() => undefined);
    return id;
  }

  #hear(notification: Notification): void {
    if (this.#unread >= maxUnread) {
      this.#options.onGap();
      return;
    }
    this.#unread++;
    this.#received = this.#received
      .then(() => this.#receive(notification))
      .catch((error: unknown) => {
        this.#options.logger.debug({ err: error }, 'the Socket.IO adapter could not read a message');
      })
      .finally(() => {
        this.#unread--;
      });
  }

  #gap(): void {
    if (this.#listener.listening) this.#onListening();
    this.#options.onGap();
  }
}

/**
 * LISTEN cuts names at 63 bytes, and NOTIFY refuses longer ones. Where namespaces are made as clients ask for them, any
 * text may come.
 */
function channelOf(name: string): string {
  if (/^[\w.~#/-]{1,63}$/.test(name)) return name;
  return `commitcast.io.${createHash('sha256').update(name).digest('hex').slice(0, 48)}`;
}
