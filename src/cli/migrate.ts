import { readEnvironment } from '../config/environment.ts';
import { assertDirect } from '../db/pooled.ts';
import { migrate } from '../db/migrate.ts';
import { parseOptions, type Command } from './command.ts';
import { findDatabase } from './folder.ts';
import { showMigration } from './migrate-progress.ts';
import { startLogger } from './start-logger.ts';

export const migrateCommand: Command = {
  name: 'migrate',
  summary: 'Brings the schema of the database up to this version. Any number may run at once.',
  usage: ['The database is DATABASE_DIRECT_URL or DATABASE_URL, else that of the server in this folder.'],
  async run(args) {
    parseOptions(args, {});
    const connectionString = await findDatabase();
    const logger = startLogger(readEnvironment(process.env).logLevel);
    await assertDirect({ connectionString, logger });
    await migrate({ connectionString, logger, report: showMigration(process.stderr) });
    process.stdout.write('The schema is up to date.\n');
  },
};
