import { createAdapter } from '@socket.io/postgres-adapter';
import { Pool, type PoolConfig } from 'pg';
import { Server } from 'socket.io';
import { onTestFinished } from 'vitest';
import { silentLogger, type Logger } from '../../../src/core/logger.ts';
import { attachPostgresAdapter } from '../../../src/fanout/postgres.ts';
import type { TestDatabase } from '../../support/database.ts';
import { once, until } from '../../support/until.ts';

/** A Socket.IO server without sockets: what instances tell each other is all that it knows. */
export interface Instance {
  readonly io: Server;
  readonly heard: string[];
  /** Tells the others a note, with so many bytes beside its name. */
  say(note: string, bytes?: number): void;
}

export interface StockInstance extends Instance {
  readonly pool: Pool;
  readonly errors: unknown[];
}

export interface OurInstance extends Instance {
  readonly state: 'ok' | 'unreachable';
  stop(): Promise<void>;
}

/** Names of the channels of the two kinds, so that both may run on one database. */
export const stockPrefix = 'stock';
export const ourSecret = 'facts';
export const ourPrefix = `commitcast.io.${ourSecret}`;

/** The adapter as its manual shows it: over a `pg` pool, with nothing but the name of our table. */
export function startStock(
  url: string,
  pooled: PoolConfig = {},
  options: { tableName?: string } = { tableName: 'commitcast.attachment' },
): StockInstance {
  const pool = new Pool({ connectionString: url, application_name: 'stock', ...pooled });
  pool.on('error', () => undefined);
  // Without it, a lost LISTEN ends the process: a fact of its own.
  pool.on('connect', (client) => void client.on('error', () => undefined));
  const errors: unknown[] = [];
  const io = new Server();
  io.adapter(
    createAdapter(pool, {
      channelPrefix: stockPrefix,
      errorHandler: (error) => errors.push(error),
      ...options,
    }),
  );
  onTestFinished(() => {
    closeAdapters(io);
    // It would wait for the clients that the adapter does not give back.
    void pool.end();
  });
  return { ...speaker(io), pool, errors };
}

export async function startOurs(
  url: string,
  { onGap = () => {}, logger = silentLogger }: { onGap?: () => void; logger?: Logger } = {},
): Promise<OurInstance> {
  const io = new Server();
  const attached = await attachPostgresAdapter(io, {
    connectionString: url,
    secret: ourSecret,
    onGap,
    logger,
  });
  const stop = async () => {
    closeAdapters(io);
    await attached.stop();
  };
  onTestFinished(stop);
  return {
    ...speaker(io),
    get state() {
      return attached.state;
    },
    stop,
  };
}

function speaker(io: Server): Instance {
  const heard: string[] = [];
  io.on('note', (note: string) => heard.push(note));
  return {
    io,
    heard,
    say: (note, bytes = 0) => void io.serverSideEmit('note', note, 'x'.repeat(bytes)),
  };
}

function closeAdapters(io: Server): void {
  for (const { adapter } of io._nsps.values()) void adapter.close();
}

/** Until the one hears the other: LISTEN of the stock adapter is active some time after it was made. */
export async function untilHeard(speaking: Instance, listening: Instance): Promise<void> {
  const greeting = once(listening.io, 'greeting');
  const greeted = { yet: false };
  void greeting.then(() => (greeted.yet = true));
  await until(
    () => {
      speaking.io.serverSideEmit('greeting');
      return greeted.yet;
    },
    { message: 'a greeting to be heard' },
  );
}

/** Process ids of those who listen: the ones of ours, or stock ones by their last statement. */
export async function listeners(database: TestDatabase): Promise<number[]> {
  const { rows } = await database.pool.query<{ pid: number }>(
    `select pid from pg_stat_activity where datname = current_database()
       and (application_name = 'commitcast-adapter-listen' or query like 'LISTEN %') order by pid`,
  );
  return rows.map(({ pid }) => pid);
}

export async function terminate(database: TestDatabase, pids: readonly number[]): Promise<void> {
  await database.pool.query('select pg_terminate_backend(pid) from unnest($1::int[]) pid', [pids]);
  await until(async () => {
    const { rows } = await database.pool.query('select from pg_stat_activity where pid = any($1)', [pids]);
    return rows.length === 0;
  });
}
