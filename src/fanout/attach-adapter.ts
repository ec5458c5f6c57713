import type { Server } from 'socket.io';
import type { Logger } from '../core/logger.ts';
import type { DatabaseAddress } from '../db/connection.ts';
import type { Executor } from '../db/executor.ts';
import { readAdapterSecret } from './adapter-secret.ts';
import type { Fanout } from './doorbell.ts';
import { memoryFanout } from './memory.ts';
import { attachPostgresAdapter } from './postgres.ts';
import { createSocketFanout } from './socket-io.ts';

export const adapterNames = ['postgres', 'memory'] as const;
export type AdapterName = (typeof adapterNames)[number];

export interface AdapterOptions extends DatabaseAddress {
  adapter: AdapterName;
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
  /** `unreachable`: doorbells and ephemeral messages of others do not arrive; delivery goes on from the log. */
  readonly state: 'ok' | 'unreachable';
  /** Closes the adapter of every namespace, then its connections. */
  close(): Promise<void>;
}

/** Gives the Socket.IO server its adapter. It reconnects by itself; what it loses, the log has. */
export async function attachAdapter(io: Server, options: AdapterOptions): Promise<AttachedAdapter> {
  const { adapter: name, db } = options;
  let fanout: Fanout = memoryFanout;
  let closeConnections: (() => Promise<void>) | undefined;
  if (name === 'postgres') {
    closeConnections = attachPostgresAdapter(io, { ...options, secret: await readAdapterSecret(db) });
    fanout = createSocketFanout(io);
  }
  return {
    name,
    fanout,
    state: 'ok',
    async close() {
      // The adapters' timers and subscriptions.
      for (const namespace of io._nsps.values()) void namespace.adapter.close();
      await closeConnections?.();
    },
  };
}
