import cors from '@fastify/cors';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { consoleRoutes, type ConsoleOptions } from './console.ts';
import { commitcast, type CommitcastOptions } from './plugin.ts';
import { answerNotFound, refuseUnreadable, secureAnswers, withoutSecrets } from './security-headers.ts';

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
    logger: { level: logLevel, serializers: { req: describeRequest } },
    // Another instance may be migrating; and whoever deploys has limits of their own.
    pluginTimeout: 0,
    // Sockets are told by the plugin; idle keep-alive connections need not be waited for.
    forceCloseConnections: 'idle',
    // What cannot be read may have a token in it: Fastify's own would log the bytes.
    clientErrorHandler: refuseUnreadable,
    // An address that cannot be read is none; Fastify's own answer would quote it.
    frameworkErrors: (_error, _request, reply) => {
      void answerNotFound(reply);
    },
  });
  if (plugin.corsOrigin) {
    await app.register(cors, { origin: plugin.corsOrigin.includes('*') ? '*' : [...plugin.corsOrigin] });
  }
  secureAnswers(app);
  await app.register(commitcast, plugin);
  consoleRoutes(app, console);
  return app;
}

/** An address may carry a token, mostly in its query. */
function describeRequest(request: FastifyRequest) {
  return { method: request.method, path: withoutSecrets(request.url), remoteAddress: request.ip };
}
