import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeFolder, runCli } from '../support/cli.ts';

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
  cd "My Notes"
  npm install
  cp .env.example .env   # name your Postgres in it
  npm start
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

it('init takes back what it has written when a file cannot be, and leaves what was there', async () => {
  const cwd = await makeFolder();
  await mkdir(join(cwd, 'app'));
  // Looks absent to whoever follows it, and cannot be made anew.
  execFileSync('ln', ['-s', 'nowhere', join(cwd, 'app/README.md')]);
  const { code, stderr } = await runCli(['init', 'app'], { cwd });
  expect(code).toBe(1);
  expect(stderr).toContain('EEXIST');
  expect(await readdir(join(cwd, 'app'))).toEqual(['README.md']);
});

it.each([[['one', 'two']], [['--force']]])('init refuses %j', async (args) => {
  const cwd = await makeFolder();
  const { code, stderr } = await runCli(['init', ...args], { cwd });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^USAGE: /);
  expect(await readdir(cwd)).toEqual([]);
});
