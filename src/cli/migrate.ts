import { readEnvironment } from '../config/environment.ts';
import { migrate } from '../db/migrate.ts';
import { parseOptions, type Command } from './command.ts';
import { findDatabase } from './folder.ts';
import { startLogger } from './start-logger.ts';

export const migrateCommand: Command = {
  name: 'migrate',
  summary: 'Brings the schema of the database up to this version. Any number may run at once.',
  usage: ['The database is DATABASE_DIRECT_URL or DATABASE_URL, else that of the server in this folder.'],
  async run(args) {
    parseOptions(args, {});
    const connectionString = await findDatabase();
    await migrate({ connectionString, logger: startLogger(readEnvironment(process.env).logLevel) });
    process.stdout.write('The schema is up to date.\n');
  },
};
