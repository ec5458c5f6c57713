import type { Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import cors from '@fastify/cors';
import Fastify, { type FastifyInstance } from 'fastify';
import { CommitcastError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { SocketService } from '../gateway/socket-service.ts';
import { fastifyLogger } from './attach-logger.ts';
import { handOver, type AddressInside } from './attach-requests.ts';
import type { CommitcastOptions } from './plugin-options.ts';
import { commitcast, type Commitcast } from './plugin.ts';

/** Options of `attach`: those of the Fastify plugin, and where things are. Unknown ones are refused. */
export interface AttachOptions extends CommitcastOptions {
  /** Where Socket.IO is: the `path` of its clients. Default: `/socket.io`, which is theirs, too. */
  path?: string | undefined;
  /**
   * Below what history, server-sent events, health and metrics are, as in `/commitcast/v1/events`; `false`: they are not
   * served. Default: `/commitcast`.
   */
  prefix?: string | false | undefined;
  /** Any logger of pino's form. Default: none. */
  logger?: Logger | undefined;
}

/** What `attach` resolves with. */
export interface AttachedCommitcast extends Commitcast {
  /** Ephemeral messages, and the rooms of sockets. */
  socketService: SocketService;
  /**
   * Tells the clients to come again, waits for the consumers' transactions, and leaves the server as it was. The
   * application closes its server afterwards: a server waits for its sockets, and nobody else ends ours. Idempotent.
   */
  close: () => Promise<void>;
}

/** As the plugin has it. */
const pathInside = '/socket.io';
const pathPattern = /^(?:\/[A-Za-z0-9._~-]+)+$/;

/**
 * Commitcast on any HTTP server of Node: that of Express, NestJS, or `node:http` alone. Resolves when it is up; then its
 * addresses are served, and all others stay the application's. The server may listen already, or later.
 *
 * @throws {CommitcastError} `CONFIG_INVALID`, `DATABASE_POOLED`, `SCHEMA_MISSING`, `SCHEMA_TOO_NEW`; and what the driver
 *   says of a database that cannot be reached. The server is then as it was
 *
 * @example
 * const server = createServer(express());
 * const commitcast = await attach(server, { pool, jwt: { secret: process.env.JWT_SECRET } });
 * server.listen(3000);
 */
export async function attach(
  server: HttpServer | HttpsServer,
  options: AttachOptions,
): Promise<AttachedCommitcast> {
  const { path = pathInside, prefix = '/commitcast', logger, ...plugin } = options;
  const addressInside = addresses(path, prefix);
  const app = Fastify({
    ...(logger ? { loggerInstance: fastifyLogger(logger) } : {}),
    // Another instance may be migrating; and whoever deploys has limits of their own.
    pluginTimeout: 0,
  });
  try {
    await setUp(app, plugin);
  } catch (error) {
    await app.close();
    throw error;
  }
  const giveBack = handOver(server, app.server, addressInside);
  const close = async () => {
    try {
      await app.close();
    } finally {
      giveBack();
    }
  };
  let closing: Promise<void> | undefined;
  return {
    ...app.commitcast,
    socketService: app.socketService,
    close: () => (closing ??= close()),
  };
}

/** An application with nothing but the plugin, whose server never listens: requests are handed to it. */
async function setUp(app: FastifyInstance, options: CommitcastOptions): Promise<void> {
  const { corsOrigin } = options;
  if (corsOrigin) await app.register(cors, { origin: corsOrigin.includes('*') ? '*' : [...corsOrigin] });
  await app.register(commitcast, options);
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ error: new CommitcastError('NOT_FOUND').toJSON() }),
  );
  await app.ready();
}

/** @throws {CommitcastError} `CONFIG_INVALID` */
function addresses(path: string, prefix: string | false): AddressInside {
  const places = Object.entries({ path, ...(prefix === false ? {} : { prefix }) });
  const problems = places
    .filter(([, place]) => typeof place !== 'string' || !pathPattern.test(place))
    .map(([name]) => `${name}: begins with a slash, and does not end with one`);
  if (path === prefix) problems.push('path and prefix are two places');
  if (problems.length > 0) throw new CommitcastError('CONFIG_INVALID', problems.join('\n'));
  return (url) => {
    const ofSocketIo = below(path, url);
    if (ofSocketIo !== undefined) return `${pathInside}${ofSocketIo}`;
    const other = prefix === false ? undefined : below(prefix, url);
    return other === undefined || other.startsWith('/') ? other : `/${other}`;
  };
}

/** What follows the place in the address, if the address is there. */
function below(place: string, url: string): string | undefined {
  const rest = url.startsWith(place) ? url.slice(place.length) : undefined;
  return rest === undefined || rest === '' || rest.startsWith('/') || rest.startsWith('?') ? rest : undefined;
}
