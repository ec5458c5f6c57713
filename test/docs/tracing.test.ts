import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';

const root = new URL('../../', import.meta.url).pathname;
const text = readFileSync(join(root, 'docs/tracing.md'), 'utf8');
const blocks = [...text.matchAll(/^```(\w+) ?(\S*)\n(.*?)^```$/gms)].map(
  ([, language = '', name = '', content = '']) => ({ language, name, content }),
);

it('the example follows one trace, as printed, against the built package', async () => {
  const database = await createDatabase();
  const server = await startServer(database, { adapter: 'postgres' });
  const folder = await mkdtemp(join(root, 'dist/.tracing-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const [example] = blocks.filter(({ name }) => name === 'follow.mjs');
  await writeFile(join(folder, 'follow.mjs'), example?.content ?? '');
  const env = { ...process.env, DATABASE_URL: database.url, URL: server.url, TOKEN: await signToken() };
  const { stdout } = await promisify(execFile)(process.execPath, ['follow.mjs'], {
    cwd: folder,
    env,
    timeout: 30_000,
  });
  expect([stdout]).toEqual(
    blocks.filter(({ language }) => language === 'text').map(({ content }) => content),
  );
});

it('the table of attributes has every one that is recorded, and no other', () => {
  const sources = ['src/tracing/describe-event.ts', 'src/tracing/traced-batch.ts', 'src/tracing/in-span.ts'];
  const source = [...sources, 'src/gateway/dispatch-spans.ts', 'src/gateway/replay-spans.ts']
    .map((path) => readFileSync(join(root, path), 'utf8'))
    .join('\n');
  const attribute = /(?:messaging|error)\.[\w.]+/;
  const recorded = [...source.matchAll(new RegExp(`'(${attribute.source})'`, 'g'))].map(([, name]) => name);
  const documented = text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => [...(line.split(' | ')[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name));
  expect(new Set(documented)).toEqual(new Set(recorded));
});
