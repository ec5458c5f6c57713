import { lstatSync } from 'node:fs';
import { link, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CommitcastError } from '../core/errors.ts';

/** What a file system says that has no second names for a file. */
const noLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/**
 * All files or none, and none of them half: they are written in a folder beside, and get their names when all of them
 * are on the disk, the first one last. Whoever is killed before that leaves nothing of these names.
 *
 * @throws {CommitcastError} `USAGE` when one of them is there already
 * @throws what the system says, when it cannot write: then nothing is left
 */
export async function writeNew(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  const names = Object.keys(files);
  const present = names.filter((name) => lstatSync(join(folder, name), { throwIfNoEntry: false }));
  if (present.length > 0) {
    throw new CommitcastError(
      'USAGE',
      `${folder} has ${present.join(', ')} already, and nothing was written. Name another folder: commitcast init my-app`,
    );
  }
  const placed: string[] = [];
  let made: string | undefined;
  let beside: string | undefined;
  try {
    made = await mkdir(folder, { recursive: true });
    beside = await mkdtemp(join(folder, '.commitcast-init-'));
    // Some file systems find only then that there is no room.
    for (const [name, text] of Object.entries(files))
      await writeFile(join(beside, name), text, { flush: true });
    for (const name of names.toReversed()) {
      await place(join(beside, name), join(folder, name));
      placed.push(join(folder, name));
    }
    await rm(beside, { recursive: true });
  } catch (error) {
    for (const path of [...placed, beside, made]) {
      if (path !== undefined) await rm(path, { recursive: true, force: true });
    }
    throw new Error(`Nothing was written to ${folder}: ${(error as Error).message}`, { cause: error });
  }
}

/** Unlike `rename`, a link takes no name that somebody else has given meanwhile. */
async function place(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!noLinks.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await rename(from, to);
  }
}
