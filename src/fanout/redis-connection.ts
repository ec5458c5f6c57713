import type { createClient } from '@redis/client';

/** `createClient` of `@redis/client`, which only those who use Redis load. */
export type CreateClient = typeof createClient;

export type MessageListener = (message: Buffer, channel: Buffer) => void;

const connectTimeoutMs = 2_000;

/**
 * One connection to Redis, over a client of its own that never tries again: who lost it opens another. So that no
 * command waits for a server that is away, and each connection asks its server anew what it can do.
 */
export class RedisConnection {
  readonly #client: ReturnType<CreateClient>;
  readonly #lost = new AbortController();
  #sharded = false;

  constructor(create: CreateClient, url: string) {
    this.#client = create({
      url,
      // Spoken by every server; a connection that subscribes may still PING.
      RESP: 2,
      maintNotifications: 'disabled',
      disableOfflineQueue: true,
      clientInfoTag: 'commitcast',
      // A timer for each command would be the larger part of its cost. Whoever waits for an answer has a limit.
      commandOptions: { timeout: 0 },
      socket: {
        connectTimeout: connectTimeoutMs,
        reconnectStrategy: false,
        // The client forgets a socket that is still connecting when it is destroyed.
        signal: this.#lost.signal,
      },
    });
    this.#client.on('error', (error: Error) => {
      this.#lost.abort(error);
    });
  }

  /** Aborts when the connection is gone. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Rejects when the server cannot be reached, or refuses us. */
  async open(): Promise<void> {
    await this.#client.connect();
    this.#sharded = await this.#hasShardedPubSub();
  }

  /** Rejects when the message could not be handed to the server. */
  async publish(channel: string, payload: string | Buffer): Promise<void> {
    await this.#client.sendCommand([this.#sharded ? 'SPUBLISH' : 'PUBLISH', channel, payload]);
  }

  async subscribe(channel: string, listener: MessageListener): Promise<void> {
    if (this.#sharded) await this.#client.sSubscribe(channel, listener, true);
    else await this.#client.subscribe(channel, listener, true);
  }

  /** With the listener that subscribed: without it, who subscribes again before this is answered hears nothing. */
  async unsubscribe(channel: string, listener: MessageListener): Promise<void> {
    if (this.#sharded) await this.#client.sUnsubscribe(channel, listener, true);
    else await this.#client.unsubscribe(channel, listener, true);
  }

  async countSubscribers(channel: string): Promise<number> {
    const reply = await this.#client.sendCommand<unknown[]>([
      'PUBSUB',
      this.#sharded ? 'SHARDNUMSUB' : 'NUMSUB',
      channel,
    ]);
    return Number(reply[1]);
  }

  /** Rejects when the server does not answer any more. */
  async ping(): Promise<void> {
    await this.#client.ping();
  }

  /** Ends the connection now, in whatever state it is. Idempotent. */
  close(reason: unknown = new Error('the connection was closed')): void {
    this.#lost.abort(reason);
    this.#client.destroy();
  }

  /**
   * Sharded Pub/Sub came with Redis 7. A cluster does without here: it has each channel on the node that owns its
   * slot, and a plain message reaches subscribers on every node.
   */
  async #hasShardedPubSub(): Promise<boolean> {
    // HELLO came with Redis 6, and a server may have it disabled.
    const reply = await this.#client.sendCommand<unknown[]>(['HELLO']).catch(async (): Promise<unknown[]> => {
      // It still has to answer, and to want no password that we have not.
      await this.ping();
      return [];
    });
    const field = (name: string) => String(reply[reply.indexOf(name) + 1]);
    return Number.parseInt(field('version'), 10) >= 7 && field('mode') !== 'cluster';
  }
}
