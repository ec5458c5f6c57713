#!/usr/bin/env node
import { codes } from '../core/codes.ts';
import { CommitcastError } from '../core/errors.ts';
import { isUnreachable } from '../db/sql-state.ts';
import { helpText, type Command } from './command.ts';

/** Loaded when they are called: printing a token should not wait for an HTTP server's code. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./serve.ts')).serveCommand,
  relay: async () => (await import('./relay.ts')).relayCommand,
  migrate: async () => (await import('./migrate.ts')).migrateCommand,
  append: async () => (await import('./append.ts')).appendCommand,
  tail: async () => (await import('./tail.ts')).tailCommand,
  status: async () => (await import('./status.ts')).statusCommand,
  consumers: async () => (await import('./consumers.ts')).consumersCommand,
  epoch: async () => (await import('./epoch.ts')).epochCommand,
  token: async () => (await import('./token.ts')).tokenCommand,
  bench: async () => (await import('./bench.ts')).benchCommand,
};

async function main([name = 'help', ...args]: string[]): Promise<void> {
  const asksForHelp = ['help', '--help', '-h'];
  if (asksForHelp.includes(name)) {
    const shown = args[0] === undefined ? Object.keys(commands) : [args[0]];
    process.stdout.write(helpText(await Promise.all(shown.map(load))));
    return;
  }
  const command = await load(name);
  if (args.some((arg) => asksForHelp.includes(arg) && arg !== 'help'))
    process.stdout.write(helpText([command]));
  else await command.run(args);
}

function load(name: string): Promise<Command> {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) throw new CommitcastError('USAGE', `There is no command ${JSON.stringify(name)}`);
  return command();
}

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${describe(error)}\n`);
  process.exit(1);
});

function describe(error: unknown): string {
  if (error instanceof CommitcastError) {
    const { remedy } = codes[error.code];
    return `${error.code}: ${error.message}${error.message.includes(remedy) ? '' : `\n${remedy}`}`;
  }
  if (isUnreachable(error)) return `UNAVAILABLE: ${codes.UNAVAILABLE.meaning}: ${(error as Error).message}`;
  return `INTERNAL: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
