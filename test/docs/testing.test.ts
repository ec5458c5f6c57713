import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createDatabase } from '../support/database.ts';

const root = new URL('../../', import.meta.url).pathname;
const text = readFileSync(join(root, 'docs/testing.md'), 'utf8');

/** The whole files that the page prints, by name. */
const files = [...text.matchAll(/^```js (\S+)\n(.*?)^```$/gms)].map(
  ([, name = '', content = '']) => [name, content] as const,
);
const tests = files.map(([name]) => name).filter((name) => name.endsWith('.test.mjs'));

it('the page has an example of every part', () => {
  expect(tests).toHaveLength(7);
});

it.for(tests)('the example %s passes as printed, against the built package', async (name) => {
  const database = await createDatabase();
  const folder = await mkdtemp(join(root, 'dist/.testing-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [file, content] of files) await writeFile(join(folder, file), content);
  const child = spawn(process.execPath, ['--test', '--test-timeout=50000', join(folder, name)], {
    env: { ...process.env, DATABASE_URL: database.url },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const [code] = (await once(child, 'close')) as [number];
  expect(code, output).toBe(0);
  expect(output).toMatch(/pass [1-9]/);
});
