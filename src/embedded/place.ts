import { createHash } from 'node:crypto';
import { lstat, mkdir, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { copyBinaries, hydrateLinks, type Binaries } from './binaries.ts';
import { asOtherUser, asOurselves, findAccount, inUserNamespace, run, withCapability } from './launch.ts';
import type { Launch } from './launch.ts';
import { unavailable } from './unavailable.ts';

/**
 * Where and how the server runs. `home` holds the data in `postgres`. It is the folder asked for, unless we are root
 * there and no other way works than to keep the data outside; then the folder has a link `postgres` to it.
 */
export interface Place {
  readonly home: string;
  readonly native: string;
  readonly launch: Launch;
  /** For initdb alone, which needs a user with a name. */
  readonly initLaunch: Launch;
}

/** What the programs say of themselves, like `18.4`; the proof that they run there. */
export interface ProvenPlace extends Place {
  readonly serverVersion: string;
}

/** @throws {CommitcastError} `EMBEDDED_UNAVAILABLE` with the reason of every way that was tried. */
export async function choosePlace(directory: string, binaries: Binaries): Promise<ProvenPlace> {
  const reasons: string[] = [];
  for await (const place of places(directory, binaries)) {
    try {
      return { ...place, serverVersion: await prove(place) };
    } catch (error) {
      const reason = `${place.launch.name} in ${place.home}: ${(error as Error).message}`;
      if (!reasons.includes(reason)) reasons.push(reason);
    }
  }
  throw unavailable(`its programs do not run (${reasons.join('; ')})`, remedyFor(reasons));
}

async function* places(directory: string, binaries: Binaries): AsyncGenerator<Place> {
  const data = join(directory, 'postgres');
  const outside = await readlink(data).then(dirname, () => undefined);
  const hydrated = await hydrateLinks(binaries.native);
  if (process.geteuid?.() !== 0) {
    const home = outside ?? directory;
    const native = hydrated ? binaries.native : await copyBinaries(binaries, home);
    const initLaunch = hasName() ? asOurselves : inUserNamespace(await findAccount());
    yield { home, native, launch: asOurselves, initLaunch };
    return;
  }
  const owner = await stat(join(data, 'PG_VERSION')).catch(() => undefined);
  const account = owner?.uid ? { uid: owner.uid, gid: owner.gid } : await findAccount();
  if (!outside) {
    const native = hydrated ? binaries.native : await copyBinaries(binaries, directory);
    // Data of root's own was made in a user namespace, and can be used only there.
    const launches =
      owner?.uid === 0
        ? []
        : [
            asOtherUser(account),
            withCapability(account, 'dac_read_search'),
            withCapability(account, 'dac_override'),
          ];
    if (!owner?.uid) launches.push(inUserNamespace(account));
    for (const launch of launches) yield { home: directory, native, launch, initLaunch: launch };
    if (owner) return;
  }
  const launch = asOtherUser(account);
  for (const home of outside ? [outside] : outsideHomes(directory)) {
    // A link whose target is gone (a cleaned /tmp) leads to a new home in the same place.
    if (!(await makeHome(home))) continue;
    yield { home, native: await copyBinaries(binaries, home), launch, initLaunch: launch };
    // Asked for another: this one is of no use.
    if (!outside) await rm(home, { recursive: true, force: true });
  }
}

/** Runs the server's program once, from a shell that has to enter the home first. */
async function prove({ home, native, launch, initLaunch }: Place): Promise<string> {
  const script = 'cd "$1" && exec "$2" --version';
  const said = await run(launch, '/bin/sh', ['-c', script, 'sh', home, join(native, 'bin', 'postgres')]);
  if (initLaunch !== launch) await run(initLaunch, '/bin/sh', ['-c', 'cd "$1"', 'sh', home]);
  const version = /\(PostgreSQL\) ([0-9.]+)/.exec(said)?.[1];
  if (!version) throw new Error(`postgres --version said: ${said}`);
  return version;
}

/** Named after the folder, so that a folder that was deleted and made anew finds and replaces what it left there. */
function outsideHomes(directory: string): string[] {
  const name = `commitcast-${createHash('sha256').update(directory).digest('hex').slice(0, 16)}`;
  return ['/var/lib', '/var/tmp', tmpdir()].map((base) => join(base, name));
}

/** `false` when it cannot be made, or another user was there first: in a folder open to all, names can be squatted. */
async function makeHome(home: string): Promise<boolean> {
  await mkdir(home, { mode: 0o711 }).catch(() => {});
  const found = await lstat(home).catch(() => undefined);
  return found?.isDirectory() === true && found.uid === process.geteuid?.();
}

function hasName(): boolean {
  try {
    userInfo();
    return true;
  } catch {
    return false;
  }
}

function remedyFor(reasons: string[]): string {
  if (lacksGlibc() || reasons.some((reason) => reason.includes('GLIBC_'))) {
    return 'The programs need a system with a recent glibc (not Alpine).';
  }
  if (!hasName()) return 'Give this user a line in /etc/passwd.';
  return process.geteuid?.() === 0 ? 'Run it as a user other than root.' : '';
}

function lacksGlibc(): boolean {
  if (process.platform !== 'linux') return false;
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime === undefined;
}
