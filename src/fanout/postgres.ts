import { createAdapter } from '@socket.io/postgres-adapter';
import type { Pool } from 'pg';
import type { Server } from 'socket.io';
import type { Logger } from '../core/logger.ts';
import type { DatabaseAddress } from '../db/connection.ts';
import { AdapterPool } from './adapter-pool.ts';

/** What the adapter is told beside its names. */
export const adapterOptions = {
  /** Postgres limits a notification to 7,999 bytes; larger payloads go through the attachments table. */
  payloadThreshold: 7_999,
  /** Each is a notification per instance and namespace, sent only when nothing else was for so long. */
  heartbeatInterval: 5_000,
  /** A heartbeat may get lost: an instance is taken for gone, for `fetchSockets`, when the second one is late too. */
  heartbeatTimeout: 12_500,
};

export interface PostgresAdapterOptions extends DatabaseAddress {
  /** Part of the channels' names: who does not know it can neither speak nor listen. */
  secret: string;
  /** Something that was rung may have been missed. */
  onGap: () => void;
  logger: Logger;
}

/** `stop` ends the connections, after the adapters themselves. */
export interface AttachedPostgresAdapter {
  readonly state: 'ok' | 'unreachable';
  stop(): Promise<void>;
}

/**
 * Gives the Socket.IO server `@socket.io/postgres-adapter`, over connections that outlive what the network does to
 * them. Returns when LISTEN is active, so that this instance hears what is said from now on, the answers to its first
 * heartbeat included; or, when the database is slow, after some seconds without it.
 */
export async function attachPostgresAdapter(
  io: Server,
  { secret, ...options }: PostgresAdapterOptions,
): Promise<AttachedPostgresAdapter> {
  const channelPrefix = `commitcast.io.${secret}`;
  const channels = Array.from(io._nsps.keys(), (namespace) => `${channelPrefix}#${namespace}`);
  const pool = new AdapterPool({ ...options, channels });
  await pool.start();
  io.adapter(
    // The adapter asks for no more of a pool than `connect` and `query`.
    createAdapter(pool as unknown as Pool, {
      ...adapterOptions,
      channelPrefix,
      tableName: 'commitcast.attachment',
      errorHandler: (error) => {
        options.logger.debug({ err: error }, 'the Socket.IO adapter could not use its database');
      },
    }),
  );
  return {
    get state() {
      return pool.state;
    },
    stop: () => pool.close(),
  };
}
