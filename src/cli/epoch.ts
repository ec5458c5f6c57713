import { silentLogger } from '../core/logger.ts';
import { connect } from '../db/connection.ts';
import { checkSchema } from '../db/migrate.ts';
import { openEpoch } from '../log/epoch.ts';
import { readEpochs, type EpochRecord } from '../log/read-epochs.ts';
import { parseOptions, type Command } from './command.ts';
import { findDatabase } from './folder.ts';

export const epochCommand: Command = {
  name: 'epoch',
  summary: "Prints the epoch in force, and the history of the database's epochs.",
  usage: ['new   first opens a new one: after a rollback to a storage snapshot, which leaves no other trace'],
  async run(args) {
    const open = args[0] === 'new';
    parseOptions(open ? args.slice(1) : args, {});
    const connection = await connect({
      connectionString: await findDatabase(),
      applicationName: 'commitcast-epoch',
      logger: silentLogger,
    });
    try {
      await checkSchema(connection.client);
      if (open) await openEpoch(connection.client, { force: true });
      process.stdout.write(table(await readEpochs(connection.client)));
    } finally {
      await connection.close();
    }
  },
};

const headings = ['epoch', 'opened', 'timeline', 'epoch before ended at'];

function table(epochs: readonly EpochRecord[]): string {
  const rows = epochs.map(({ epoch, openedAt, timeline, previousEnd }, index) => [
    epoch,
    openedAt.toISOString(),
    String(timeline),
    // Nothing came before the first.
    index === 0 ? '-' : String(previousEnd),
  ]);
  const lines = [headings, ...rows].map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)));
  const shown = lines.map((cells) => cells.join('  ').trimEnd()).join('\n');
  return `In force: ${epochs.at(-1)?.epoch ?? 'none'}\n\n${shown}\n`;
}

const widths = [8, 24, 8];
