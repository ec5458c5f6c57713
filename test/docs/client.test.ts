import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { append } from '../../src/log/append.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';

const root = new URL('../../', import.meta.url).pathname;
const text = readFileSync(join(root, 'docs/client.md'), 'utf8');

/** Code of the page, as it is printed: language, name if it is a whole file, content. */
const blocks = [...text.matchAll(/^```(\w+) ?(\S*)\n(.*?)^```$/gms)].map(
  ([, language = '', name = '', content = '']) => ({ language, name, content }),
);

/** What the page's examples take as given: things of the application, and the client of the first example. */
const given = `
import type { CommitcastClient, SubscriptionHandle } from 'commitcast/client';
import type { Transaction } from 'commitcast';
declare global {
  function show(...values: unknown[]): void;
  function save(position: number, data: unknown): Promise<void>;
  function fetchTrucks(signal: AbortSignal): Promise<{ trucks: { id: string; door: string }[]; cursor: string }>;
  const connect: typeof import('commitcast/client').connect;
  const client: CommitcastClient;
  const truck: SubscriptionHandle;
  const token: string;
  const tx: Transaction;
}
`;

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(root, 'dist/.client-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

it('every example in TypeScript compiles as printed', async () => {
  const folder = await makeFolder();
  await writeFile(join(folder, 'given.ts'), given);
  const typed = blocks.filter(({ language }) => language !== 'js');
  expect(typed.length).toBeGreaterThan(8);
  const names = typed.map(({ language, name }, n) => (name === '' ? `example-${n}.${language}` : name));
  for (const [n, { content }] of typed.entries())
    await writeFile(join(folder, names[n] ?? ''), `${content}\nexport {};\n`);
  const from = (path: string) => [join(root, 'src', path)];
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      lib: ['es2023', 'dom', 'dom.iterable'],
      // Examples end where they have said what they say.
      noUnusedLocals: false,
      paths: {
        commitcast: from('index.ts'),
        'commitcast/client': from('client/index.ts'),
      },
    },
    include: ['given.ts', ...names],
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
  expect(await compile(folder)).toBe('');
});

it('the example for Node runs as printed, against the built package', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const folder = await makeFolder();
  const [example] = blocks.filter(({ name }) => name.endsWith('.mjs'));
  await writeFile(join(folder, 'node.mjs'), example?.content ?? '');
  const child = spawn(process.execPath, [join(folder, 'node.mjs')], {
    env: { ...process.env, URL: server.url, TOKEN: await signToken() },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  await until(() => output.includes('ready'));
  const write = (type: string, n: number) =>
    append(database.pool, { org: 'acme', unit: 'truck-7', type, data: { n } });
  await write('first', 1);
  await write('last', 2);
  await write('later', 3);
  const [code] = (await once(child, 'close')) as [number];
  expect([code, output]).toEqual([0, 'ready\nfirst 1\nlast 2\n']);
});

it('the table of options has every option of `connect`, and no other', () => {
  const api = readFileSync(join(root, 'src/client/api.ts'), 'utf8');
  const declared = /interface ConnectOptions \{(.*?)\n\}/s.exec(api)?.[1] ?? '';
  const options = [...declared.matchAll(/^  (\w+)\??:/gm)].map(([, name]) => name);
  const table = text.split('## Options of `connect`')[1]?.split('\n## ')[0] ?? '';
  expect([...table.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name)).toEqual(options);
});

/** What the compiler has to say. */
function compile(folder: string): Promise<string> {
  const program = join(root, 'node_modules/typescript/bin/tsc');
  return new Promise((resolve) => {
    execFile(process.execPath, [program, '-p', folder], (_error, stdout) => resolve(stdout));
  });
}
