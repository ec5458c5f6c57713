import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CommitcastError } from '../core/errors.ts';
import type { Command } from './command.ts';
import { applicationFiles } from './init-files.ts';

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

/**
 * All files or none: what was written is taken back when a later one cannot be.
 *
 * @throws {CommitcastError} `USAGE` when one of them is there already
 */
async function writeNew(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  const present = Object.keys(files).filter((name) => existsSync(join(folder, name)));
  if (present.length > 0) {
    throw new CommitcastError(
      'USAGE',
      `${folder} has ${present.join(', ')} already, and nothing was written. Name another folder: commitcast init my-app`,
    );
  }
  const made = await mkdir(folder, { recursive: true });
  const written: string[] = [];
  try {
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(folder, name), text, { flag: 'wx' });
      written.push(name);
    }
  } catch (error) {
    for (const name of written) await rm(join(folder, name), { force: true });
    if (made !== undefined) await rm(made, { recursive: true, force: true });
    throw error;
  }
}

function whatNext(folder: string, names: readonly string[]): string {
  const way = relative(process.cwd(), folder);
  return `Wrote ${names.join(', ')} to ${folder}

Next:
${way === '' ? '' : `  cd ${/^[\w./-]+$/.test(way) ? way : JSON.stringify(way)}\n`}  npm install
  cp .env.example .env   # name your Postgres in it
  npm start
`;
}
