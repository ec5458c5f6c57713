import type { Server } from 'socket.io';
import { CommitcastError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { DatabaseAddress } from '../db/connection.ts';
import type { Executor } from '../db/executor.ts';
import { readAdapterSecret } from './adapter-secret.ts';
import { DoorbellCounts } from './doorbell-counts.ts';
import type { Fanout } from './doorbell.ts';
import { memoryFanout } from './memory.ts';
import { attachPostgresAdapter } from './postgres.ts';
import { attachRedisAdapter } from './redis.ts';
import { createSocketFanout } from './socket-io.ts';

export const adapterNames = ['postgres', 'redis', 'memory'] as const;
export type AdapterName = (typeof adapterNames)[number];

export interface AdapterOptions extends DatabaseAddress {
  adapter: AdapterName;
  /** Which Redis; for the adapter of that name. */
  redisUrl?: string | undefined;
  /** Reads the secret in the channel's name. */
  db: Executor;
  /** Something that was rung may have been missed: whoever listens looks at the log by himself. */
  onGap: () => void;
  logger: Logger;
}

/** How this instance reaches the others. */
export interface AttachedAdapter {
  readonly name: AdapterName;
  readonly fanout: Fanout;
  readonly doorbells: DoorbellCounts;
  /** `unreachable`: doorbells and ephemeral messages of others do not arrive; delivery goes on from the log. */
  readonly state: 'ok' | 'unreachable';
  /** Closes the adapter of every namespace, then its connections. */
  close(): Promise<void>;
}

/** What carries the messages of an adapter. */
interface Carrier {
  readonly state: 'ok' | 'unreachable';
  stop(): Promise<void>;
}

/**
 * Gives the Socket.IO server its adapter. It reconnects by itself; what it loses, the log has.
 *
 * @throws {CommitcastError} `CONFIG_INVALID` for the adapter `redis` without `redisUrl`
 */
export async function attachAdapter(io: Server, options: AdapterOptions): Promise<AttachedAdapter> {
  const { adapter: name } = options;
  const carrier = await attachCarrier(io, options);
  const doorbells = new DoorbellCounts();
  return {
    name,
    // Alone, it has nobody to ring.
    fanout: name === 'memory' ? memoryFanout : doorbells.count(createSocketFanout(io)),
    doorbells,
    get state() {
      return carrier.state;
    },
    async close() {
      // The adapters' timers and subscriptions.
      for (const namespace of io._nsps.values()) void namespace.adapter.close();
      await carrier.stop();
    },
  };
}

async function attachCarrier(io: Server, options: AdapterOptions): Promise<Carrier> {
  const { adapter, db, redisUrl, onGap, logger } = options;
  if (adapter === 'memory') return { state: 'ok', stop: () => Promise.resolve() };
  const secret = await readAdapterSecret(db);
  if (adapter === 'postgres') return attachPostgresAdapter(io, { ...options, secret });
  if (redisUrl === undefined) throw new CommitcastError('CONFIG_INVALID', 'the adapter redis needs redisUrl');
  return attachRedisAdapter(io, { url: redisUrl, db, secret, onGap, logger });
}
