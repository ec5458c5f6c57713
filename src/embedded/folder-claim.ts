import { randomBytes } from 'node:crypto';
import { link, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CommitcastError } from '../core/errors.ts';
import { sleep } from '../core/sleep.ts';
import { readInstance } from './instance-file.ts';
import { unavailable } from './unavailable.ts';
import { identify, isRunning, type ProcessIdentity } from './process-table.ts';

/*
 * A lock that dies with its process, of plain files: Node has no flock.
 *
 * `serve.lock.<n>` names a process; the highest n counts. Who finds that process dead (or the file empty: released)
 * makes n + 1, by link(2), which is atomic, brings the content along and fails when the name exists. So of all who saw
 * the same dead holder one wins, and nobody ever deletes a lock in order to take it, the step in which such schemes
 * race. Only the winner deletes, and only lower numbers; the highest file stays for ever, also after a release.
 * Somebody slow could make a number again that was used and deleted: then a higher one exists already. Hence the look
 * after the link: a claim counts only when it is the highest. A bounded exhaustive search of the interleavings of four
 * processes that claim, release and die found no two owners; without that look, or with locks deleted at release, it did.
 */
const prefix = 'serve.lock.';

/** How long the loser waits to learn the winner's URL, which exists only when that one has started. */
const urlTimeoutMs = 10_000;

export interface FolderClaim {
  release(): Promise<void>;
}

/**
 * Makes this process the only owner of a folder, until it releases the claim or ends, however it ends.
 *
 * @throws {CommitcastError} `ALREADY_RUNNING` with the URL of the owner that there is; `EMBEDDED_UNAVAILABLE` when the
 * folder cannot be written.
 */
export async function claimFolder(directory: string): Promise<FolderClaim> {
  const draft = await writeDraft(directory);
  try {
    for (;;) {
      const highest = Math.max(0, ...(await numbers(directory)));
      const holder = highest === 0 ? undefined : await readHolder(fileOf(directory, highest));
      if (holder) await refuseWhileRunning(directory, holder);
      else if (await take(directory, draft, highest + 1)) return claim(directory, highest + 1);
    }
  } finally {
    await rm(draft, { force: true });
  }
}

async function writeDraft(directory: string): Promise<string> {
  const own: ProcessIdentity = identify(process.pid) ?? { pid: process.pid, mark: '' };
  const draft = join(directory, `claim.${randomBytes(6).toString('hex')}`);
  try {
    await mkdir(directory, { recursive: true, mode: 0o711 });
    await writeFile(draft, JSON.stringify(own), { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    const { message } = cause as Error;
    throw unavailable(`${directory} cannot be written (${message})`, 'Run it in a folder of yours.', {
      cause,
    });
  }
  return draft;
}

async function take(directory: string, draft: string, number: number): Promise<boolean> {
  const file = fileOf(directory, number);
  try {
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  const all = await numbers(directory);
  if (Math.max(...all) === number) {
    for (const lower of all) if (lower < number) await rm(fileOf(directory, lower), { force: true });
    return true;
  }
  await rm(file, { force: true });
  return false;
}

/** @throws unless the holder ends while we wait for its URL. */
async function refuseWhileRunning(directory: string, holder: ProcessIdentity): Promise<void> {
  const deadline = performance.now() + urlTimeoutMs;
  while (isRunning(holder)) {
    const instance = await readInstance(directory);
    if (instance?.pid === holder.pid || performance.now() > deadline) {
      const where = instance
        ? `at ${instance.url} (process ${holder.pid})`
        : `as process ${holder.pid}, still starting`;
      throw new CommitcastError(
        'ALREADY_RUNNING',
        `Commitcast already runs in ${directory}, ${where}. Use that one, or stop it first.`,
      );
    }
    await sleep(20);
  }
}

/** The running process that a lock names. */
async function readHolder(file: string): Promise<ProcessIdentity | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    // Deleted by the holder of a higher number: the next look finds that one.
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  if (text === '') return undefined;
  const holder = JSON.parse(text) as ProcessIdentity;
  return isRunning(holder) ? holder : undefined;
}

function claim(directory: string, number: number): FolderClaim {
  // Emptied, not deleted; gone only when the folder is.
  return { release: () => truncate(fileOf(directory, number)).catch(() => {}) };
}

async function numbers(directory: string): Promise<number[]> {
  const names = (await readdir(directory)).filter((name) => name.startsWith(prefix));
  return names.map((name) => Number(name.slice(prefix.length))).filter(Number.isSafeInteger);
}

function fileOf(directory: string, number: number): string {
  return join(directory, `${prefix}${number}`);
}
