import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { Server } from 'socket.io';
import type { Consume } from '../consumer/consumers.ts';
import { formatCursor } from '../core/cursor.ts';
import { refuseRepeatedPolls } from '../gateway/repeated-polls.ts';
import type { SocketService } from '../gateway/socket-service.ts';
import { append } from '../log/append.ts';
import type { RelayStatus } from '../relay/relay.ts';
import { answerErrors } from './errors.ts';
import { eventStreamRoutes } from './event-stream.ts';
import { healthRoutes } from './health.ts';
import { historyRoutes } from './history.ts';
import { Instance } from './instance.ts';
import { metricsRoutes } from './metrics.ts';
import { resolvePluginOptions, type CommitcastOptions } from './plugin-options.ts';
import { statusRoutes } from './status.ts';
import { endConnections } from './upgraded.ts';

export type { CommitcastOptions } from './plugin-options.ts';

/** What `app.commitcast` offers. */
export interface Commitcast {
  /** The same as `import { append } from 'commitcast'`. */
  append: typeof append;
  /** Registers a durable consumer; it starts when the server is ready, and stops before it closes. */
  consume: Consume;
  /** Resume token of everything that this instance has delivered. */
  cursor: () => string;
  relay: () => RelayStatus | undefined;
  /** The Socket.IO server, for an application's own namespaces. */
  io: Server;
}

declare module 'fastify' {
  interface FastifyInstance {
    commitcast: Commitcast;
    socketService: SocketService;
  }
}

/**
 * Commitcast in a Fastify application: decorates it at once, comes up when the server is ready, and goes down in order
 * when it closes.
 *
 * @example
 * app.register(commitcast, { databaseUrl: process.env.DATABASE_URL, jwt: { secret: process.env.JWT_SECRET } });
 */
// Async, because what a plugin with a callback throws does not reject its registration: it ends the process.
async function plugin(app: FastifyInstance, given: CommitcastOptions): Promise<void> {
  const { corsOrigin, ...options } = resolvePluginOptions(given);
  const io = new Server(app.server, {
    serveClient: true,
    maxHttpBufferSize: options.limits.packetBytes,
    ...(corsOrigin ? { cors: { origin: corsOrigin.includes('*') ? '*' : [...corsOrigin] } } : {}),
  });
  refuseRepeatedPolls(io);
  const instance = new Instance({ ...options, io, logger: app.log });
  const { gateway } = instance;

  app.decorate('commitcast', {
    append,
    consume: instance.consumers.consume,
    cursor: () => formatCursor(gateway.dispatcher),
    relay: () => instance.relay?.status,
    io,
  });
  app.decorate('socketService', gateway.socketService);

  app.addHook('onReady', () => instance.start());
  // Before Fastify stops listening, which would wait for the sockets.
  const end = endConnections(app.server, io);
  app.addHook('preClose', async () => {
    try {
      await instance.stop();
    } finally {
      // Or the server would wait for sockets that nobody ends.
      await end();
    }
  });

  await app.register((scope, _options, ready) => {
    answerErrors(scope, (code) => {
      gateway.refusals.add('http', code);
    });
    healthRoutes(scope, instance);
    if (options.metrics) metricsRoutes(scope, instance, io);
    statusRoutes(scope, instance);
    historyRoutes(scope, instance);
    eventStreamRoutes(scope, instance);
    ready();
  });
}

export const commitcast = fp(plugin, { name: 'commitcast', fastify: '5.x' });

// Fastify's own convention for `app.register(import('commitcast/fastify'))`.
// eslint-disable-next-line import/no-default-export
export default commitcast;
