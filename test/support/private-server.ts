import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { silentLogger } from '../../src/core/logger.ts';
import { startEmbeddedPostgres } from '../../src/embedded/embedded-postgres.ts';
import { testSettings } from './postgres-server.ts';

/** A Postgres server of one test's own, to be crashed. Always the embedded one. */
export interface PrivateServer {
  /** The same after a restart. */
  readonly url: string;
  /** As `kill -9` of the server: nothing is flushed. */
  kill(): Promise<void>;
  /** Starts it again on the data that it left. */
  start(): Promise<void>;
  /** Stops it and removes its data. Idempotent; done by the support when the test file is done. */
  stop(): Promise<void>;
}

const servers: PrivateServer[] = [];

afterAll(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

export async function startPrivateServer(settings: Record<string, string> = {}): Promise<PrivateServer> {
  const directory = await mkdtemp(join(tmpdir(), 'commitcast-private-'));
  const options = { directory, settings: { ...testSettings, ...settings }, logger: silentLogger };
  let running: Awaited<ReturnType<typeof startEmbeddedPostgres>> | undefined =
    await startEmbeddedPostgres(options);
  const { url } = running;
  const port = Number(new URL(url).port);
  const server: PrivateServer = {
    url,
    async kill() {
      await running?.kill();
      running = undefined;
    },
    async start() {
      running ??= await startEmbeddedPostgres({ ...options, port });
    },
    async stop() {
      await running?.stop();
      running = undefined;
      await rm(directory, { recursive: true, force: true });
    },
  };
  servers.push(server);
  return server;
}
