import { createAdapter } from '@socket.io/postgres-adapter';
import type { Pool } from 'pg';
import type { Server } from 'socket.io';
import type { Logger } from '../core/logger.ts';
import type { DatabaseAddress } from '../db/connection.ts';
import { AdapterPool } from './adapter-pool.ts';

/** Postgres limits a notification to 7,999 bytes; larger payloads go through the attachments table. */
const payloadThreshold = 7_999;

/**
 * Gives the Socket.IO server `@socket.io/postgres-adapter`, over connections that outlive what the network does to
 * them. Returns how to close those connections, after the adapter itself.
 */
export function attachPostgresAdapter(
  io: Server,
  options: DatabaseAddress & { secret: string; logger: Logger },
): () => Promise<void> {
  const pool = new AdapterPool(options);
  io.adapter(
    // The adapter asks for no more of a pool than `connect` and `query`.
    createAdapter(pool as unknown as Pool, {
      channelPrefix: `commitcast.io.${options.secret}`,
      tableName: 'commitcast.attachment',
      payloadThreshold,
      errorHandler: (error) => {
        options.logger.debug({ err: error }, 'the Socket.IO adapter could not use its database');
      },
    }),
  );
  return () => pool.close();
}
