import { randomBytes } from 'node:crypto';
import type { TestProject } from 'vitest/node';
import { migrate } from '../../src/db/migrate.ts';
import { administer, urlOfDatabase } from './administer.ts';
import { startPostgresServer } from './postgres-server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The run's server: the URL of its maintenance database, and the migrated database that test files clone. */
    postgres: { url: string; template: string };
  }
}

/** Runs once, before all test files; what it returns runs after them. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgresServer();
  console.log(`Postgres for the tests: ${server.reason}`);
  try {
    const template = `commitcast_template_${randomBytes(4).toString('hex')}`;
    await administer(server.url, `create database ${template}`);
    await migrate({ connectionString: urlOfDatabase(server.url, template) });
    project.provide('postgres', { url: server.url, template });
    return async () => {
      await administer(server.url, `drop database if exists ${template} with (force)`);
      await server.stop();
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}
