import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { CommitcastClient, ConnectOptions } from '../../../src/client/index.ts';
import type { migrate } from '../../../src/db/migrate.ts';
import type { append } from '../../../src/log/append.ts';
import { migrations } from '../old-database.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../', import.meta.url));

export interface OldVersion {
  /** URL of the built file, such as `http/plugin.js`. */
  url(file: string): string;
  /** The library of that version, for business code and pages that are not upgraded yet. */
  readonly append: typeof append;
  readonly migrate: typeof migrate;
  readonly connect: (options: ConnectOptions) => CommitcastClient;
}

/** The last commit that does not have the newest migration: HEAD, as long as that is not committed. */
export async function refBeforeNewestMigration(): Promise<string> {
  const { stdout } = await run(
    'git',
    ['log', '--diff-filter=A', '--format=%H', '--', `migrations/${migrations.at(-1)?.tag}.sql`],
    { cwd: root },
  );
  const [added] = stdout.split('\n').filter(Boolean);
  return added === undefined ? 'HEAD' : `${added}^`;
}

/** Short name and subject of a commit. */
export async function describeRef(ref: string): Promise<string> {
  const { stdout } = await run('git', ['log', '-1', '--format=%h %s', ref], { cwd: root });
  return stdout.trim().slice(0, 80);
}

/**
 * Builds the server of a commit in a folder: its files without its history, so that nothing of it is left in the
 * repository when this is killed; with the packages of today.
 */
export async function buildVersion(ref: string, folder: string): Promise<OldVersion> {
  await mkdir(folder, { recursive: true });
  const archive = join(folder, 'version.tar');
  await run('git', ['archive', '--output', archive, ref], { cwd: root });
  await run('tar', ['-xf', archive], { cwd: folder });
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  await run(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: folder, timeout: 120_000 });
  const url = (file: string) => {
    const path = join(folder, 'dist', file);
    if (!existsSync(path)) throw new Error(`${ref} has no ${file}`);
    return pathToFileURL(path).href;
  };
  const [library, client] = (await Promise.all([
    import(url('index.js')),
    import(url('client/index.js')),
  ])) as [Pick<OldVersion, 'append' | 'migrate'>, Pick<OldVersion, 'connect'>];
  return { url, append: library.append, migrate: library.migrate, connect: client.connect };
}
