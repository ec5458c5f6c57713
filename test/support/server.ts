import Fastify, { type FastifyInstance } from 'fastify';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { commitcast, type CommitcastOptions } from '../../src/http/plugin.ts';
import type { TestDatabase } from './database.ts';
import { secret } from './tokens.ts';

export interface TestServer {
  readonly app: FastifyInstance;
  readonly url: string;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface TestServerOptions extends CommitcastOptions {
  /** Default: a free one. */
  port?: number;
  /** Adds routes of the test's own, before the server listens. */
  setUp?: (app: FastifyInstance) => void;
}

/** A Fastify application with the plugin, listening. Closed at the end of the test, if the test has not. */
export async function startServer(
  database: TestDatabase,
  options: TestServerOptions = {},
): Promise<TestServer> {
  const { port = 0, setUp, ...plugin } = options;
  // Fastify's own limit of 10 s is no part of what is tested, and tests share the machine.
  const app = Fastify({
    pluginTimeout: 60_000,
    logger: { level: process.env['TEST_LOG_LEVEL'] ?? 'silent' },
  });
  await app.register(commitcast, {
    databaseUrl: database.url,
    jwt: { secret },
    adapter: 'memory',
    localOperator: true,
    ...plugin,
  });
  setUp?.(app);
  await app.listen({ port, host: '127.0.0.1' });
  onTestFinished(() => app.close());
  return {
    app,
    url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`,
    close: () => app.close(),
  };
}
