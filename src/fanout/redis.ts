import type { Server } from 'socket.io';
import type { Executor } from '../db/executor.ts';
import { readDatabaseIdentity } from './database-identity.ts';
import { RedisPubSub, type RedisPubSubOptions } from './redis-pub-sub.ts';

export interface RedisAdapterOptions extends Omit<RedisPubSubOptions, 'createClient'> {
  /** Tells which database this is. */
  db: Executor;
  /** Part of the channels' names, as it is over Postgres. */
  secret: string;
}

/**
 * Gives the Socket.IO server the sharded adapter of `@socket.io/redis-adapter`, over connections that outlive what
 * the network does to them. Redis may be away when it starts. `stop` what is returned after the adapter itself.
 */
export async function attachRedisAdapter(
  io: Server,
  { db, secret, ...options }: RedisAdapterOptions,
): Promise<RedisPubSub> {
  // Several databases may use one Redis. A copy of a database has its secret too.
  const channelPrefix = `commitcast.io.${secret}.${await readDatabaseIdentity(db)}`;
  // Loaded here, so that those who do without Redis pay nothing.
  const [{ createClient }, { createShardedAdapter }] = await Promise.all([
    import('@redis/client'),
    import('@socket.io/redis-adapter'),
  ]);
  const pubSub = new RedisPubSub({ ...options, createClient });
  io.adapter(
    createShardedAdapter(pubSub, pubSub, {
      channelPrefix,
      // Rooms come and go with the subscriptions; a channel each would be a command each.
      subscriptionMode: 'static',
    }),
  );
  await pubSub.start();
  return pubSub;
}
