import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeFolder, runCli } from '../support/cli.ts';

const commandFile = new URL('../../dist/cli/main.js', import.meta.url).pathname;
const files = ['.env.example', '.gitignore', 'README.md', 'index.html', 'package.json', 'server.mjs'];

it('init writes the smallest application into a new folder, and says what comes next', async () => {
  const cwd = await makeFolder();
  const { code, stdout, stderr } = await runCli(['init', 'My Notes'], { cwd });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const folder = join(cwd, 'My Notes');
  expect((await readdir(folder)).sort()).toEqual(files);
  expect(stdout)
    .toBe(`Wrote package.json, server.mjs, index.html, .env.example, .gitignore, README.md to ${folder}

Next:
  cd 'My Notes'
  npm install
  cp .env.example .env   # name your Postgres in it
  npm start              # http://127.0.0.1:3000
`);

  const own = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
    peerDependencies: Record<string, string>;
  };
  expect(JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))).toMatchObject({
    name: 'my-notes',
    private: true,
    type: 'module',
    dependencies: { commitcast: `^${own.version}`, fastify: own.peerDependencies['fastify'] },
  });
  execFileSync(process.execPath, ['--check', join(folder, 'server.mjs')]);
});

it('init takes this folder when none is named, beside files of other names', async () => {
  const cwd = await makeFolder();
  await writeFile(join(cwd, 'notes.txt'), 'mine');
  const { code, stdout } = await runCli(['init'], { cwd });
  expect(code).toBe(0);
  expect(stdout).not.toContain('cd ');
  expect((await readdir(cwd)).sort()).toEqual([...files, 'notes.txt'].sort());
});

it('init refuses a folder that has one of its files, and writes nothing', async () => {
  const cwd = await makeFolder();
  await mkdir(join(cwd, 'app'));
  await writeFile(join(cwd, 'app/index.html'), 'mine');
  const { code, stdout, stderr } = await runCli(['init', 'app'], { cwd });
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^USAGE: .*app has index\.html already, and nothing was written/);
  expect(await readdir(join(cwd, 'app'))).toEqual(['index.html']);
  expect(await readFile(join(cwd, 'app/index.html'), 'utf8')).toBe('mine');
});

it('init takes a link that leads nowhere for a file that is there', async () => {
  const cwd = await makeFolder();
  await mkdir(join(cwd, 'app'));
  await symlink('nowhere', join(cwd, 'app/README.md'));
  const { code, stderr } = await runCli(['init', 'app'], { cwd });
  expect(code).toBe(1);
  expect(stderr).toContain('has README.md already');
  expect(await readdir(join(cwd, 'app'))).toEqual(['README.md']);
});

it.each([
  ['a folder that is there', ['notes.txt']],
  ['a new one', undefined],
])('init leaves nothing in %s when the disk is full in the middle of a file', async (_case, before) => {
  const cwd = await makeFolder();
  if (before) await mkdir(join(cwd, 'app'));
  for (const name of before ?? []) await writeFile(join(cwd, 'app', name), 'mine');
  // No file may be longer than a kibibyte: the system takes so much of it, and refuses the rest.
  const { status, stderr } = spawnSync(
    'bash',
    ['-c', 'ulimit -f 1; exec "$0" "$@"', process.execPath, commandFile, 'init', 'app'],
    { cwd, encoding: 'utf8' },
  );
  expect(status).toBe(1);
  expect(stderr).toMatch(/^INTERNAL: Nothing was written to \S+app: EFBIG: [^\n]+\n$/);
  expect(await readdir(cwd)).toEqual(before ? ['app'] : []);
  if (before) expect(await readdir(join(cwd, 'app'))).toEqual(before);
});

it('init leaves none of its files when it is killed before all are written', async () => {
  const cwd = await makeFolder();
  // The second file that is written never comes to its end: it is killed there.
  const hook = join(cwd, 'hook.mjs');
  await writeFile(
    hook,
    `import fs from 'node:fs/promises';
     import { syncBuiltinESMExports } from 'node:module';
     const { writeFile } = fs;
     let count = 0;
     fs.writeFile = async (path, text, options) => {
       await writeFile(path, text.slice(0, 100), options);
       if ((count += 1) === 2) process.kill(process.pid, 'SIGKILL');
     };
     syncBuiltinESMExports();`,
  );
  const { signal } = spawnSync(process.execPath, ['--import', hook, commandFile, 'init', 'app'], { cwd });
  expect(signal).toBe('SIGKILL');
  expect((await readdir(join(cwd, 'app'))).filter((name) => files.includes(name))).toEqual([]);
  // It is no obstacle.
  expect((await runCli(['init', 'app'], { cwd })).code).toBe(0);
});

it.each([[['one', 'two']], [['--force']]])('init refuses %j', async (args) => {
  const cwd = await makeFolder();
  const { code, stderr } = await runCli(['init', ...args], { cwd });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^USAGE: /);
  expect(await readdir(cwd)).toEqual([]);
});
