import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll } from 'vitest';
import { root } from '../repository/source-files.ts';
import type { Lack } from '../support/describe-unless.ts';

const run = promisify(execFile);

const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, unknown>;
};
/** What may be imported of the package, as `exports` has it: `.`, `./client` and so on. */
export const entryPoints = Object.keys(exports).filter((entry) => entry !== './package.json');
const maxBuffer = 64 * 1024 * 1024;

/** Nothing of the `npm test` that runs this; but where npm finds its registry. */
export const environment = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) =>
      !/^(?:npm_|INIT_CWD|NODE_ENV|NODE_OPTIONS|VITEST|COMMITCAST_|DATABASE_|JWT_)/i.test(name) ||
      /^npm_config_(?:registry|cache|userconfig|cafile|https?_proxy|proxy)$/i.test(name),
  ),
);

/** Whoever installs needs a registry, or what npm has kept of one. */
export function findRegistry(): Lack | undefined {
  const args = [
    'view',
    'fastify',
    'version',
    '--prefer-offline',
    '--fetch-retries=0',
    '--fetch-timeout=20000',
  ];
  const { status } = spawnSync('npm', args, { env: environment, stdio: 'ignore', timeout: 60_000 });
  if (status === 0) return undefined;
  return {
    problem: 'npm reaches no registry',
    remedy: 'Connect this machine, or name a registry in ~/.npmrc.',
  };
}

const temporary: string[] = [];

// Registered when the test file is collected: in a hook it would not be heard.
afterAll(async () => {
  for (const folder of temporary.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** A folder of a test file's own, removed when it is done. From there Node finds nothing that was not installed in it. */
export async function makeTemporary(name: string): Promise<string> {
  const base = [tmpdir(), '/var/tmp', homedir()].find((path) => !seesPackages(path));
  if (base === undefined) throw new Error('Every temporary folder is below one with node_modules');
  const folder = await mkdtemp(join(base, `commitcast-${name}-`));
  temporary.push(folder);
  return folder;
}

function seesPackages(folder: string): boolean {
  const above = dirname(folder);
  return existsSync(join(folder, 'node_modules')) || (above !== folder && seesPackages(above));
}

export interface Packed {
  readonly tarball: string;
  /** Of what is in it. */
  readonly unpackedBytes: number;
  readonly paths: readonly string[];
}

/** What `npm publish` would send, from what is built in dist. */
export async function pack(into: string): Promise<Packed> {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', into];
  const { stdout } = await run('npm', args, { cwd: root, env: environment, maxBuffer });
  const [made] = JSON.parse(stdout) as {
    filename: string;
    unpackedSize: number;
    files: { path: string }[];
  }[];
  if (!made) throw new Error('npm has packed nothing');
  return {
    tarball: join(into, made.filename),
    unpackedBytes: made.unpackedSize,
    paths: made.files.map(({ path }) => path),
  };
}

/** An empty folder in which somebody begins. */
export interface Stranger {
  readonly folder: string;
  write(name: string, content: string): Promise<void>;
  install(...packages: string[]): Promise<void>;
  /** Runs a program to its end; `npx` takes what is installed, and fetches nothing. */
  run(program: 'node' | 'npx' | 'tsc', ...args: string[]): Promise<Ended>;
  /** Of all that was installed, in bytes. */
  size(): Promise<number>;
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StrangerOptions {
  readonly env?: Record<string, string>;
}

export async function beginIn(folder: string, { env = {} }: StrangerOptions = {}): Promise<Stranger> {
  await mkdir(folder, { recursive: true });
  const options = { cwd: folder, env: { ...environment, ...env }, maxBuffer };
  const programs = {
    node: [process.execPath],
    npx: ['npx', '--no-install'],
    tsc: [process.execPath, join(root, 'node_modules/typescript/bin/tsc')],
  };
  return {
    folder,
    write: (name, content) => writeFile(join(folder, name), content),
    async install(...packages) {
      const args = ['install', '--omit=optional', '--prefer-offline', '--no-audit', '--no-fund', ...packages];
      await run('npm', args, { ...options, timeout: 280_000 });
    },
    async run(program, ...args) {
      const [file = '', ...first] = programs[program];
      try {
        const { stdout, stderr } = await run(file, [...first, ...args], { ...options, timeout: 60_000 });
        return { code: 0, stdout, stderr };
      } catch (error) {
        const {
          code,
          stdout = '',
          stderr = '',
        } = error as { code: unknown; stdout?: string; stderr?: string };
        if (typeof code !== 'number') throw error;
        return { code, stdout, stderr };
      }
    },
    size: () => sizeOf(join(folder, 'node_modules')),
  };
}

async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  return bytes;
}
