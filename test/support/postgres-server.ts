import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../../src/core/logger.ts';
import { findContainerEngine, startPostgresContainer } from './container-engine.ts';

/** The one Postgres server of a whole test run. */
export interface PostgresServer {
  /** URL of its maintenance database, as a superuser. */
  readonly url: string;
  /** Which server it is, and why. */
  readonly reason: string;
  stop(): Promise<void>;
}

/** Prepared transactions are off, as they are unless somebody asks for them: pass 2 goes another way where they are on. */
export const testSettings = { max_connections: '300', max_prepared_transactions: '0' };

/** `TEST_POSTGRES` forces a choice; otherwise `TEST_DATABASE_URL`, a container engine, the embedded server, in this order. */
export async function startPostgresServer(): Promise<PostgresServer> {
  const { TEST_POSTGRES: forced, TEST_DATABASE_URL: url } = process.env;
  const why = forced ? `TEST_POSTGRES=${forced}` : undefined;
  if (forced === 'url' || (!forced && url)) return useServer(url, why ?? 'TEST_DATABASE_URL is set');
  if (forced === 'embedded') return startEmbedded('TEST_POSTGRES=embedded');
  if (forced && forced !== 'testcontainers') {
    throw new Error(`TEST_POSTGRES=${forced} is none of url, testcontainers, embedded`);
  }
  const engine = await findContainerEngine();
  if (engine.available) return startContainer(engine.image, why ?? 'a container engine answers');
  if (forced) throw new Error(`TEST_POSTGRES=testcontainers, but ${engine.problem}. ${engine.remedy}`);
  return startEmbedded(engine.problem);
}

function useServer(url: string | undefined, why: string): PostgresServer {
  if (!url) throw new Error('TEST_POSTGRES=url needs TEST_DATABASE_URL');
  return { url, reason: `the server of TEST_DATABASE_URL (${why})`, stop: () => Promise.resolve() };
}

async function startContainer(image: string, why: string): Promise<PostgresServer> {
  const container = await startPostgresContainer(image, testSettings);
  return { url: container.url, reason: `${image} through Testcontainers (${why})`, stop: container.stop };
}

async function startEmbedded(why: string): Promise<PostgresServer> {
  const { startEmbeddedPostgres } = await import('../../src/embedded/embedded-postgres.ts');
  const directory = await mkdtemp(join(tmpdir(), 'commitcast-test-'));
  const server = await startEmbeddedPostgres({ directory, settings: testSettings, logger: silentLogger });
  return {
    url: server.url,
    reason: `the embedded server (${why})`,
    async stop() {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
