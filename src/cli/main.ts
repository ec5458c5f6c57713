#!/usr/bin/env node
import { CommitcastError } from '../core/errors.ts';
import { helpText, type Command } from './command.ts';
import { describeError, errorText } from './describe-error.ts';

/** Loaded when they are called: printing a token should not wait for an HTTP server's code. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import('./init.ts')).initCommand,
  serve: async () => (await import('./serve.ts')).serveCommand,
  relay: async () => (await import('./relay.ts')).relayCommand,
  migrate: async () => (await import('./migrate.ts')).migrateCommand,
  append: async () => (await import('./append.ts')).appendCommand,
  tail: async () => (await import('./tail.ts')).tailCommand,
  status: async () => (await import('./status.ts')).statusCommand,
  doctor: async () => (await import('./doctor.ts')).doctorCommand,
  grants: async () => (await import('./grants.ts')).grantsCommand,
  consumers: async () => (await import('./consumers.ts')).consumersCommand,
  epoch: async () => (await import('./epoch.ts')).epochCommand,
  token: async () => (await import('./token.ts')).tokenCommand,
  schema: async () => (await import('./schema.ts')).schemaCommand,
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
  process.stderr.write(`${errorText(describeError(error))}\n`);
  process.exit(1);
});
