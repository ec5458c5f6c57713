import type { Logger } from '../core/logger.ts';
import type { DatabaseAddress } from '../db/connection.ts';
import type { Executor } from '../db/executor.ts';
import { checkSchema, migrate } from '../db/migrate.ts';
import { assertDirect } from '../db/pooled.ts';
import { openEpoch } from '../log/epoch.ts';

export interface PrepareOptions extends DatabaseAddress {
  db: Executor;
  /** Whether the schema is brought up to date, or only checked. */
  migrate: boolean;
  logger: Logger;
}

/**
 * What every kind of instance does before anything else.
 *
 * @throws {CommitcastError} `DATABASE_POOLED`, `SCHEMA_MISSING`, `SCHEMA_TOO_NEW`
 */
export async function prepareDatabase(options: PrepareOptions): Promise<void> {
  const { db, connectionString, clientConfig, logger } = options;
  const address = { connectionString, clientConfig, logger };
  await assertDirect(address);
  if (options.migrate) await migrate(address);
  else await checkSchema(db);
  // Before anybody gets a cursor: a restored copy of a database is not the database that it is a copy of.
  await openEpoch(db);
}
