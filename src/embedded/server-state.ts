import { randomBytes } from 'node:crypto';
import { chown, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Account } from './launch.ts';
import { unavailable } from './unavailable.ts';

/** What one run leaves to the next. It lies in the data folder, so that password and data cannot part. */
export interface ServerState {
  readonly password: string;
  /** Of the last run. */
  readonly port?: number;
}

const fileName = 'commitcast.json';

export async function readServerState(data: string): Promise<ServerState> {
  const path = join(data, fileName);
  try {
    return JSON.parse(await readFile(path, 'utf8')) as ServerState;
  } catch (cause) {
    throw unavailable(
      `${path}, which has the password of the data, cannot be read (${(cause as Error).message})`,
      `Move ${data} away to begin with an empty database.`,
      { cause },
    );
  }
}

/** Readable by us and, beside the rest of the data, by the user that the server runs as. */
export async function writeServerState(data: string, state: ServerState, owner?: Account): Promise<void> {
  const path = join(data, fileName);
  const draft = `${path}.${randomBytes(4).toString('hex')}`;
  try {
    await writeFile(draft, JSON.stringify(state), { mode: 0o600, flag: 'wx' });
    if (owner) await chown(draft, owner.uid, owner.gid);
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
}
