import cors from '@fastify/cors';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { CommitcastError } from '../core/errors.ts';
import { consoleRoutes, type ConsoleOptions } from './console.ts';
import { commitcast, type CommitcastOptions } from './plugin.ts';

export interface ServerOptions extends ConsoleOptions {
  plugin: CommitcastOptions;
  logLevel: string;
}

/** The runnable server: the plugin, with the page and nothing else around it. */
export async function createServer({
  plugin,
  logLevel,
  ...console
}: ServerOptions): Promise<FastifyInstance> {
  const app = Fastify({
    logger: { level: logLevel, serializers: { req: withoutQuery } },
    // Another instance may be migrating; and whoever deploys has limits of their own.
    pluginTimeout: 0,
    // Sockets are told by the plugin; idle keep-alive connections need not be waited for.
    forceCloseConnections: 'idle',
  });
  if (plugin.corsOrigin) {
    await app.register(cors, { origin: plugin.corsOrigin.includes('*') ? '*' : [...plugin.corsOrigin] });
  }
  await app.register(commitcast, plugin);
  consoleRoutes(app, console);
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ error: new CommitcastError('NOT_FOUND').toJSON() }),
  );
  return app;
}

/** A query may carry a token. */
function withoutQuery(request: FastifyRequest) {
  return { method: request.method, path: request.url.split('?', 1)[0], remoteAddress: request.ip };
}
