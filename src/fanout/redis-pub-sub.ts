import { Backoff } from '../core/backoff.ts';
import type { Logger } from '../core/logger.ts';
import type { Service } from '../core/service.ts';
import { inTime, sleep } from '../core/sleep.ts';
import { RedisConnection, type CreateClient, type MessageListener } from './redis-connection.ts';

const pingIntervalMs = 1_000;
/** A server that takes longer to answer is taken for gone. */
const patienceMs = 2_000;
/** So long a start waits for Redis; without it, it goes on. */
const startPatienceMs = 1_000;
/** Who lost a connection that lived for a shorter time waits as if it had failed. */
const steadyMs = 5_000;
/** Bytes that Redis has not confirmed yet; beyond them messages are lost, as they are while it is away. */
const maxUnconfirmedBytes = 8 * 1024 * 1024;

export interface RedisPubSubOptions {
  url: string;
  createClient: CreateClient;
  /** Something may have been missed: Redis was lost, or is there again. */
  onGap: () => void;
  logger: Logger;
}

/** Both directions: a connection that subscribes is not one to publish on. */
interface Session {
  readonly publisher: RedisConnection;
  readonly subscriber: RedisConnection;
}

/**
 * What `@socket.io/redis-adapter` 8.3 asks of a client of Redis 7, made so that its faults do no harm:
 * - it looks at no promise of a subscription: none of ours rejects, and every channel is subscribed again after each
 *   reconnect;
 * - it holds a message back from its own sockets until Redis has confirmed it: here nobody waits;
 * - its listener throws at messages that are none of its own: that ends nothing.
 *
 * While Redis is away, messages are lost at once and nothing is kept. It is told once, and once when it is over.
 */
export class RedisPubSub implements Service {
  readonly #options: RedisPubSubOptions;
  readonly #stopped = new AbortController();
  readonly #listeners = new Map<string, MessageListener>();
  /** As last seen. What does not answer while Redis is away is then told as missing, not as if it did not exist. */
  readonly #counts = new Map<string, number>();
  readonly #backoff = new Backoff({ minMs: 50, maxMs: 1_000 });
  #session: Session | undefined;
  #running: Promise<void> | undefined;
  #unconfirmedBytes = 0;
  /** When the outage that was told began. */
  #lostAt: number | undefined;

  constructor(options: RedisPubSubOptions) {
    this.#options = options;
  }

  get state(): 'ok' | 'unreachable' {
    return this.#session ? 'ok' : 'unreachable';
  }

  /** Returns when Redis has answered, or refused, or has not answered for a second: it is not needed to start. */
  async start(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#running = this.#run(resolve);
      void sleep(startPatienceMs, this.#stopped.signal).then(resolve);
    });
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  sSubscribe(channel: string, listener: MessageListener): void {
    this.#listeners.set(channel, listener);
    const { subscriber } = this.#session ?? {};
    // Without this channel the session is worth nothing: the next one tries again.
    subscriber?.subscribe(channel, this.#receive).catch((error: unknown) => {
      subscriber.close(error);
    });
  }

  sUnsubscribe(channel: string): void {
    this.#listeners.delete(channel);
    this.#session?.subscriber.unsubscribe(channel, this.#receive).catch(() => undefined);
  }

  /** At most once, and nobody waits for it. */
  sPublish(channel: string, payload: string | Buffer): Promise<void> {
    const bytes = Buffer.byteLength(payload);
    if (this.#session && this.#unconfirmedBytes + bytes <= maxUnconfirmedBytes) {
      this.#unconfirmedBytes += bytes;
      const done = () => {
        this.#unconfirmedBytes -= bytes;
      };
      this.#session.publisher.publish(channel, payload).then(done, done);
    }
    return Promise.resolve();
  }

  /** The adapter sends one command: PUBSUB SHARDNUMSUB, for how many instances there are. Never rejects. */
  async sendCommand([, , channel = '']: readonly string[]): Promise<[string, number]> {
    try {
      const count = await inTime(this.#sessionNow().publisher.countSubscribers(channel), patienceMs);
      this.#counts.set(channel, count);
    } catch (error) {
      this.#options.logger.debug({ err: error }, 'Redis did not say how many instances there are');
    }
    return [channel, this.#counts.get(channel) ?? 1];
  }

  /** `attempted` is called whenever an attempt has ended, well or not. */
  async #run(attempted: () => void): Promise<void> {
    const { signal } = this.#stopped;
    const { createClient, url } = this.#options;
    while (!signal.aborted) {
      const began = performance.now();
      const session = {
        publisher: new RedisConnection(createClient, url),
        subscriber: new RedisConnection(createClient, url),
      };
      const close = () => {
        session.publisher.close();
        session.subscriber.close();
      };
      signal.addEventListener('abort', close, { once: true });
      try {
        await inTime(this.#setUp(session), patienceMs);
        this.#tellFound(session);
        attempted();
        await this.#watch(session);
      } catch (error) {
        if (!signal.aborted) this.#tellLost(error);
      }
      signal.removeEventListener('abort', close);
      close();
      attempted();
      if (performance.now() - began > steadyMs) this.#backoff.reset();
      await sleep(this.#backoff.next(), signal);
    }
    this.#session = undefined;
  }

  async #setUp({ publisher, subscriber }: Session): Promise<void> {
    await Promise.all([publisher.open(), subscriber.open()]);
    // A map that grows while it is walked is walked to its new end.
    for (const channel of this.#listeners.keys()) await subscriber.subscribe(channel, this.#receive);
  }

  /** Rejects when one of the connections is lost or silent. */
  async #watch({ publisher, subscriber }: Session): Promise<void> {
    const ended = AbortSignal.any([publisher.lost, subscriber.lost]);
    while (!ended.aborted) {
      await sleep(pingIntervalMs, ended);
      if (ended.aborted) break;
      await inTime(Promise.all([publisher.ping(), subscriber.ping()]), patienceMs);
    }
    throw ended.reason;
  }

  #tellFound(session: Session): void {
    const { logger, onGap } = this.#options;
    this.#session = session;
    if (this.#lostAt !== undefined) {
      logger.info({ awayMs: Math.round(performance.now() - this.#lostAt) }, 'Redis is there again');
    }
    this.#lostAt = undefined;
    onGap();
  }

  #tellLost(error: unknown): void {
    const { logger, onGap } = this.#options;
    this.#session = undefined;
    if (this.#lostAt !== undefined) {
      logger.debug({ err: error }, 'Redis is still unreachable');
      return;
    }
    this.#lostAt = performance.now();
    logger.warn(
      { err: error },
      'Redis is unreachable: events come later, from the log; ephemeral messages do not reach other instances',
    );
    onGap();
  }

  #sessionNow(): Session {
    if (!this.#session) throw new Error('Redis is unreachable');
    return this.#session;
  }

  readonly #receive: MessageListener = (message, channel) => {
    try {
      this.#listeners.get(channel.toString())?.(message, channel);
    } catch (error) {
      this.#options.logger.debug({ err: error }, 'a message over Redis was none of an instance');
    }
  };
}
