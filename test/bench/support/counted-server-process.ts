/* The same instance as that of `server-process.ts`, which also counts what it asks of the database. */
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { commitcast } from '../../../src/http/plugin.ts';
import { answer } from './answer.ts';
import { countStatements } from './count-statements.ts';
import type { ServerOptions } from './server.ts';

const take = countStatements();

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
  statements: take,
});
