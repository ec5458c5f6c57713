import { silentLogger } from '../core/logger.ts';
import { connect } from '../db/connection.ts';
import { checkSchema } from '../db/migrate.ts';
import { readInstallation, waitingFor } from '../http/installation.ts';
import { parseOptions, type Command } from './command.ts';
import { findDatabase } from './folder.ts';
import { printableJson } from './printable.ts';
import { statusText } from './status-text.ts';
import { terminalWidth } from './terminal.ts';

export const statusCommand: Command = {
  name: 'status',
  summary: 'Shows the log, who leads, what it waits for, and all instances and consumers, from the database.',
  usage: [
    '--json   as `GET /v1/status` answers, without what only an instance knows, and with what is published',
    'Exit code 0: it was read, whatever it says. Whether all is well, and what to do: commitcast doctor.',
  ],
  async run(args) {
    const { json } = parseOptions(args, { json: { type: 'boolean' } });
    const connection = await connect({
      connectionString: await findDatabase(),
      applicationName: 'commitcast-status',
      logger: silentLogger,
    });
    try {
      await checkSchema(connection.client);
      const installation = await readInstallation(connection.client);
      const status = { ...installation, waitingFor: waitingFor(installation.instances) };
      process.stdout.write(`${json ? printableJson(status) : statusText(status, terminalWidth())}\n`);
    } finally {
      await connection.close();
    }
  },
};
