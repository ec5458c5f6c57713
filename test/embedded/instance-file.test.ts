import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readInstance, removeInstance, writeInstance } from '../../src/embedded/instance-file.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const urls = {
  url: 'http://127.0.0.1:3000',
  databaseUrl: 'postgres://commitcast:secret@127.0.0.1:5555/commitcast',
};

/** Changes what a real instance file says. */
async function tamper(directory: string, changes: object): Promise<void> {
  const path = join(directory, 'instance.json');
  const record = JSON.parse(await readFile(path, 'utf8')) as object;
  await writeFile(path, JSON.stringify({ ...record, ...changes }));
}

test('the instance of a folder is found by what it wrote, which only its owner can read', async () => {
  const directory = join(await temporaryDirectory(), '.commitcast');
  const written = await writeInstance(directory, urls);
  expect(written).toMatchObject({ pid: process.pid, ...urls });
  expect(await readInstance(directory)).toEqual(written);
  expect((await stat(join(directory, 'instance.json'))).mode & 0o777).toBe(0o600);
});

test('the file of a process that is dead is ignored, also when its pid belongs to another by now', async () => {
  const directory = await temporaryDirectory();
  await writeInstance(directory, urls);
  await tamper(directory, { pid: 2 ** 22 + 1 });
  expect(await readInstance(directory)).toBeUndefined();
  await tamper(directory, { pid: process.pid, processMark: 'of another boot' });
  expect(await readInstance(directory)).toBeUndefined();
});

test('no file, or one that is no JSON, means no instance', async () => {
  const directory = await temporaryDirectory();
  expect(await readInstance(directory)).toBeUndefined();
  await writeFile(join(directory, 'instance.json'), '{"pid":');
  expect(await readInstance(directory)).toBeUndefined();
});

test('removing takes away only what this process wrote', async () => {
  const directory = await temporaryDirectory();
  await writeInstance(directory, urls);
  await tamper(directory, { pid: process.ppid });
  await removeInstance(directory);
  expect((await stat(join(directory, 'instance.json'))).isFile()).toBe(true);
  await writeInstance(directory, urls);
  await removeInstance(directory);
  expect(await readInstance(directory)).toBeUndefined();
  await removeInstance(directory);
});
