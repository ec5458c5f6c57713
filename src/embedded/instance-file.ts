import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identify, isRunning } from './process-table.ts';

/** The `serve` that runs in a folder, for the commands beside it. */
export interface Instance {
  readonly pid: number;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** Where it is served. */
  readonly url: string;
  /** With the password: the file is readable by its owner only. */
  readonly databaseUrl: string;
}

interface Record extends Instance {
  /** Tells this process from a later one with its pid. */
  readonly processMark: string;
}

const fileName = 'instance.json';

/** Says that this process serves the folder. Readers see the old file or the new one, never a part. */
export async function writeInstance(
  directory: string,
  { url, databaseUrl }: Pick<Instance, 'url' | 'databaseUrl'>,
): Promise<Instance> {
  const { pid } = process;
  const instance: Instance = { pid, startedAt: new Date().toISOString(), url, databaseUrl };
  const record: Record = { ...instance, processMark: identify(pid)?.mark ?? '' };
  await mkdir(directory, { recursive: true, mode: 0o711 });
  const path = join(directory, fileName);
  const draft = `${path}.${randomBytes(4).toString('hex')}`;
  try {
    await writeFile(draft, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
  return instance;
}

/** Leaves the file of another process alone. */
export async function removeInstance(directory: string): Promise<void> {
  const record = await read(directory);
  if (record?.pid === process.pid && isRunning({ pid: record.pid, mark: record.processMark })) {
    await rm(join(directory, fileName), { force: true });
  }
}

/** The instance that runs in the folder; `undefined` when there is none, also when a killed one left its file. */
export async function readInstance(directory: string): Promise<Instance | undefined> {
  const record = await read(directory);
  if (!record || !isRunning({ pid: record.pid, mark: record.processMark })) return undefined;
  const { pid, startedAt, url, databaseUrl } = record;
  return { pid, startedAt, url, databaseUrl };
}

async function read(directory: string): Promise<Record | undefined> {
  try {
    return JSON.parse(await readFile(join(directory, fileName), 'utf8')) as Record;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // What we cannot read because it is another user's is not the same as nothing.
    if (code === 'EACCES') throw error;
    return undefined;
  }
}
