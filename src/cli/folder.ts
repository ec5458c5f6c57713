import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CommitcastError } from '../core/errors.ts';
import { readEnvironment } from '../config/environment.ts';
import { readInstance } from '../embedded/instance-file.ts';

/** What belongs to this folder's development server: database, secret, and who runs. */
export const stateDirectory = resolve('.commitcast');

const secretFile = join(stateDirectory, 'jwt-secret');

/** The secret of development, made once, so that tokens outlive a restart. */
export async function keepSecret(): Promise<string> {
  const kept = await readSecret();
  if (kept) return kept;
  await mkdir(stateDirectory, { recursive: true, mode: 0o711 });
  await writeFile(secretFile, randomBytes(32).toString('hex'), { mode: 0o600, flag: 'wx' }).catch(
    ignoreExisting,
  );
  return (await readSecret()) ?? keepSecret();
}

export async function readSecret(): Promise<string | undefined> {
  const text = await readFile(secretFile, 'utf8').catch(() => '');
  return text.trim() || undefined;
}

/**
 * The database that a command means: the one that is named, else that of the `serve` that runs in this folder.
 *
 * @throws {CommitcastError} `DATABASE_REQUIRED` when there is neither
 */
export async function findDatabase(): Promise<string> {
  const { databaseUrl, databaseDirectUrl } = readEnvironment(process.env);
  const url = databaseDirectUrl ?? databaseUrl ?? (await readInstance(stateDirectory))?.databaseUrl;
  if (url === undefined) {
    throw new CommitcastError(
      'DATABASE_REQUIRED',
      'No database is named, and no `commitcast serve` runs in this folder',
    );
  }
  return url;
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
