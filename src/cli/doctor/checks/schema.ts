import { CommitcastError } from '../../../core/errors.ts';
import type { Executor } from '../../../db/executor.ts';
import { checkSchema } from '../../../db/migrate.ts';
import { countMigrations } from '../../../log/read-migrations.ts';
import { found, type Finding } from '../finding.ts';

/** Whether the schema is the one of this version: most other checks know no other. */
export async function checkSchemaVersion(db: Executor): Promise<Finding[]> {
  const applied = await countMigrations(db);
  const seen =
    applied === undefined
      ? 'There is no table commitcast.migration.'
      : `${applied} migrations were applied, and they are not those of this version.`;
  try {
    await checkSchema(db);
    return [];
  } catch (error) {
    const code = error instanceof CommitcastError ? error.code : undefined;
    if (code === 'SCHEMA_MISSING')
      return [
        found(
          code,
          seen,
          'Run `commitcast migrate` as the role that shall own the schema, or start an instance without COMMITCAST_MIGRATE=off.',
        ),
      ];
    if (code === 'SCHEMA_TOO_NEW')
      return [
        found(
          code,
          seen,
          'Run the version of Commitcast that migrated the database, or a newer one; there is no way back but a backup.',
        ),
      ];
    throw error;
  }
}
