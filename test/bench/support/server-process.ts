/* An instance of Commitcast for measurements: what to start comes from the parent. */
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { commitcast } from '../../../src/http/plugin.ts';
import { answer } from './answer.ts';
import type { ServerOptions } from './server.ts';

answer({
  start: async (options: ServerOptions & { secret: string }) => {
    const { databaseUrl, adapter = 'postgres', redisUrl, relay = true, secret, plugin } = options;
    const app = Fastify({ logger: false });
    const redis = redisUrl === undefined ? {} : { redisUrl };
    await app.register(commitcast, {
      databaseUrl,
      jwt: { secret },
      adapter,
      relay,
      localOperator: true,
      ...redis,
      ...plugin,
    });
    await app.listen({ port: 0, host: '127.0.0.1' });
    process.once('SIGTERM', () => {
      void app.close().then(() => process.exit());
    });
    return (app.server.address() as AddressInfo).port;
  },
  /** Bytes of the heap that are in use, when what is garbage is gone. */
  heap: () => {
    globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  },
});
