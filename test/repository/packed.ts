import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll } from 'vitest';
import { root } from './source-files.ts';

const run = promisify(execFile);

/** What applications of these tests have beside the package: its dependencies and peers, and what compiles them. */
const beside = `
  @fastify/cors @redis/client @socket.io/postgres-adapter @socket.io/redis-adapter @types/pg fastify-plugin jose pg
  prom-client socket.io socket.io-client zod
  drizzle-orm fastify react react-dom @types/node @types/react @types/react-dom
`
  .trim()
  .split(/\s+/);

/** Not registered from within a hook: that would never run. */
const made: string[] = [];
afterAll(() => Promise.all(made.map((folder) => rm(folder, { recursive: true }))));

export interface Project {
  readonly folder: string;
  /** Of the package, as npm packs it: paths below its root. */
  readonly files: readonly string[];
  write(name: string, content: string): Promise<void>;
  node(...args: string[]): Promise<string>;
}

/** An application of its own that has installed the packed package; nothing is fetched. Removed when the file is done. */
export async function installPacked(): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'commitcast-packed-'));
  made.push(folder);
  const packed = join(folder, 'node_modules/commitcast');
  await mkdir(packed, { recursive: true });
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const { stdout } = await run('npm', pack, { cwd: root, maxBuffer: 16 * 1024 * 1024 });
  const [tarball] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
  if (!tarball) throw new Error('npm has packed nothing');
  await run('tar', ['-xzf', join(folder, tarball.filename), '-C', packed, '--strip-components=1']);
  for (const name of beside) {
    await mkdir(dirname(join(folder, 'node_modules', name)), { recursive: true });
    await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  return {
    folder,
    files: tarball.files.map(({ path }) => path),
    write: (name, content) => writeFile(join(folder, name), content),
    node: async (...args) => (await run(process.execPath, args, { cwd: folder })).stdout,
  };
}
