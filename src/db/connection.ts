import { Client, Pool, type ClientConfig } from 'pg';
import type { Logger } from '../core/logger.ts';

/** Which database: by its address, or by the configuration of a pool that an application has already. */
export interface DatabaseAddress {
  connectionString?: string | undefined;
  clientConfig?: ClientConfig | undefined;
}

/** How one of Commitcast's own connections behaves; business connections are never touched. */
export interface ConnectionOptions extends DatabaseAddress {
  /** Shown in `pg_stat_activity`; starts with `commitcast`. */
  applicationName: string;
  /** Milliseconds that one statement may take; 0: no limit, for a connection that waits for a lock. */
  statementTimeoutMs?: number;
  logger: Logger;
}

/**
 * Every statement of ours reads a short range of an index, in its order. A log that grows faster than statistics are
 * gathered makes the planner believe otherwise, and read all of it for each page.
 *
 * Nothing that settled reading rests on is left to what the server, the database or the role has as default: reading
 * at REPEATABLE READ, or through a search path of somebody else, would be wrong.
 */
const sessionSettings = [
  'default_transaction_isolation=read\\ committed',
  'default_transaction_read_only=off',
  'default_transaction_deferrable=off',
  'idle_session_timeout=0',
  'enable_seqscan=off',
  'enable_bitmapscan=off',
  'jit=off',
  'search_path=pg_catalog',
  'TimeZone=UTC',
  'DateStyle=ISO',
  'tcp_keepalives_idle=10',
  'tcp_keepalives_interval=5',
  'tcp_keepalives_count=3',
  // Of a client that is frozen or cut off: what waits for it, notifications above all, is let go.
  'tcp_user_timeout=30000',
]
  .map((setting) => `-c ${setting}`)
  .join(' ');

function settingsOf({
  connectionString,
  clientConfig,
  applicationName,
  statementTimeoutMs = 10_000,
}: ConnectionOptions) {
  return {
    ...clientConfig,
    ...(connectionString === undefined ? {} : { connectionString: withoutOurSettings(connectionString) }),
    application_name: applicationName,
    options: sessionSettings,
    statement_timeout: statementTimeoutMs,
    lock_timeout: statementTimeoutMs,
    // The server's limits do not help when its answer never comes: a half-open connection is given up by us.
    ...(statementTimeoutMs > 0 ? { query_timeout: statementTimeoutMs + 2_000 } : {}),
    idle_in_transaction_session_timeout: 60_000,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  } satisfies ClientConfig;
}

/** `pg` lets the parameters of an address win over everything else. */
function withoutOurSettings(connectionString: string): string {
  if (!URL.canParse(connectionString)) return connectionString;
  const url = new URL(connectionString);
  // A copy: the list shrinks while it is walked.
  for (const name of Array.from(url.searchParams.keys())) {
    if (name === 'options' || name === 'application_name' || name.endsWith('_timeout'))
      url.searchParams.delete(name);
  }
  return url.href;
}

/** The database of a pool that was handed in; the pool itself is the application's. */
export function addressOfPool({ options }: Pool): DatabaseAddress {
  // `password` and `ssl` are not enumerable in a pool's options.
  const { connectionString, host, port, user, password, database, ssl } = options;
  const config: ClientConfig = Object.fromEntries(
    Object.entries({ host, port, user, password, database, ssl }).filter(([, value]) => value !== undefined),
  );
  return { connectionString, clientConfig: config };
}

/**
 * Opens a connection of its own. `lost` aborts when the connection ends for whatever reason; an error of an idle
 * connection never reaches the process.
 */
export async function connect(options: ConnectionOptions): Promise<Connection> {
  const client = new Client(settingsOf(options));
  const lost = new AbortController();
  client.on('error', (error) => {
    options.logger.debug({ err: error, connection: options.applicationName }, 'a connection was lost');
    lost.abort(error);
  });
  client.on('end', () => {
    lost.abort();
  });
  await client.connect();
  return { client, lost: lost.signal, close: () => closeClient(client) };
}

export interface Connection {
  readonly client: Client;
  /** Aborts when the connection is gone. */
  readonly lost: AbortSignal;
  /** Ends the connection now, also one that waits for a lock or hangs on a dead network. Never rejects. */
  close: () => Promise<void>;
}

async function closeClient(client: Client): Promise<void> {
  const ended = client.end().catch(() => undefined);
  // `end` waits for the server; a lock wait or a black-holed network would keep it waiting.
  const socket = (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream;
  const timer = setTimeout(() => {
    socket.destroy();
  }, 500);
  await ended;
  clearTimeout(timer);
}

/**
 * A pool for statements of the application, on which it finds what its own connections have: search path, time zone, and
 * limits as server and role have them. The caller ends it.
 */
export function createApplicationPool(options: ConnectionOptions & { max: number }): Pool {
  const { connectionString, clientConfig, applicationName, max } = options;
  const pool = new Pool({
    ...clientConfig,
    ...(connectionString === undefined ? {} : { connectionString }),
    application_name: applicationName,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    max,
  });
  return silenced(pool, options);
}

/** A pool of our own connections. The caller ends it. */
export function createPool(options: ConnectionOptions & { max: number }): Pool {
  return silenced(new Pool({ ...settingsOf(options), max: options.max, idleTimeoutMillis: 30_000 }), options);
}

function silenced(pool: Pool, options: ConnectionOptions): Pool {
  // Without a listener, an idle connection that the server ends would end the process.
  pool.on('error', (error) => {
    options.logger.debug({ err: error, connection: options.applicationName }, 'an idle connection was lost');
  });
  return pool;
}
