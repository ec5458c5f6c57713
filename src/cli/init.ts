import { basename, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CommitcastError } from '../core/errors.ts';
import type { Command } from './command.ts';
import { applicationFiles } from './init-files.ts';
import { writeNew } from './write-new.ts';

export const initCommand: Command = {
  name: 'init',
  summary: 'Writes the smallest application: a server, and a page that follows what it commits.',
  usage: ['[FOLDER]   default: this one; it must have none of the files that are written'],
  async run(args) {
    const folder = resolve(parseFolder(args));
    const files = applicationFiles(basename(folder));
    await writeNew(folder, files);
    process.stdout.write(whatNext(folder, Object.keys(files)));
  },
};

function parseFolder(args: string[]): string {
  try {
    const { positionals } = parseArgs({ args, options: {}, strict: true, allowPositionals: true });
    if (positionals.length > 1) throw new Error(`Expected one folder, not ${positionals.length}`);
    return positionals[0] ?? '.';
  } catch (error) {
    throw new CommitcastError('USAGE', (error as Error).message, { cause: error });
  }
}

function whatNext(folder: string, names: readonly string[]): string {
  const way = relative(process.cwd(), folder);
  return `Wrote ${names.join(', ')} to ${folder}

Next:
${way === '' ? '' : `  cd ${/^[\w./-]+$/.test(way) ? way : `'${way.replaceAll("'", String.raw`'\''`)}'`}\n`}  npm install
  cp .env.example .env   # name your Postgres in it
  npm start              # http://127.0.0.1:3000
`;
}
