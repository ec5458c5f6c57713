import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { CommitcastError } from '../core/errors.ts';
import { silentLogger, type Logger } from '../core/logger.ts';
import { adopt } from './adopt.ts';
import { findBinaries } from './binaries.ts';
import type { Cluster } from './cluster.ts';
import { createDatabase, urlOf } from './connection.ts';
import { prepareData } from './data-folder.ts';
import { choosePlace } from './place.ts';
import type { ProcessIdentity } from './process-table.ts';
import type { ServerSpec } from './server.ts';
import { readServerState } from './server-state.ts';
import { killServer, stopServer } from './shutdown.ts';
import { startServer } from './start-server.ts';
import { unavailable } from './unavailable.ts';

export interface EmbeddedPostgresOptions {
  /** Folder for data and log, made when absent. One owner at a time: see `claimFolder`. */
  directory: string;
  /** Created when absent. @default 'commitcast' */
  database?: string;
  /** Settings of Postgres beyond ours. */
  settings?: Record<string, string>;
  /** @default the port of the last run if it is free, else any free port of the loopback interface */
  port?: number;
  logger?: Logger;
}

export interface EmbeddedPostgres {
  /** `postgres://commitcast:<password>@127.0.0.1:<port>/<database>`, as a superuser. */
  readonly url: string;
  /** The server that a killed owner had left running is used on. */
  readonly adopted: boolean;
  /** Fast shutdown; idempotent. Returns when no process of the server is left. */
  stop(): Promise<void>;
  /** Ends the server as a crash does: SIGKILL to all of its processes. Returns when none is left. */
  kill(): Promise<void>;
}

/**
 * Starts the Postgres of a folder, or adopts the one that runs there. The server outlives a killed owner; the next
 * start in the folder finds it.
 *
 * @throws {CommitcastError} `EMBEDDED_UNAVAILABLE` with why and what to do; `PORT_IN_USE` for a taken `port`.
 *
 * @example
 * const postgres = await startEmbeddedPostgres({ directory: '.commitcast' });
 * const pool = new pg.Pool({ connectionString: postgres.url });
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  try {
    return await start(options, options.logger ?? silentLogger);
  } catch (error) {
    if (error instanceof CommitcastError) throw error;
    throw unavailable((error as Error).message, '', { cause: error });
  }
}

async function start(options: EmbeddedPostgresOptions, logger: Logger): Promise<EmbeddedPostgres> {
  await mkdir(options.directory, { recursive: true, mode: 0o711 });
  const directory = await realpath(options.directory);
  const place = await choosePlace(directory, await findBinaries());
  const cluster = await prepareData(directory, place);
  const state = await readServerState(cluster.data);
  const spec: ServerSpec = {
    place,
    cluster,
    settings: options.settings ?? {},
    logFile: join(directory, 'postgres.log'),
  };
  const adopted = await adopt(spec, { password: state.password, port: options.port }, logger);
  const { postmaster, port } = adopted ?? (await startServer(spec, state, options.port));
  try {
    const database = options.database ?? 'commitcast';
    const address = { port, password: state.password };
    await createDatabase(address, database);
    const how = adopted ? 'adopted' : 'started';
    logger.info(
      { how, port, pid: postmaster.pid, launch: place.launch.name, data: cluster.data },
      'Embedded Postgres',
    );
    return handle(cluster, postmaster, urlOf(address, database), adopted !== undefined);
  } catch (error) {
    await stopServer(cluster, postmaster);
    throw error;
  }
}

function handle(
  cluster: Cluster,
  postmaster: ProcessIdentity,
  url: string,
  adopted: boolean,
): EmbeddedPostgres {
  let stopped: Promise<void> | undefined;
  return {
    url,
    adopted,
    stop: () => (stopped ??= stopServer(cluster, postmaster)),
    // Also while a stop is in flight, which then finds nothing left to do.
    kill: () => (stopped = killServer(cluster, postmaster)),
  };
}
