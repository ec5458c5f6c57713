import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { createDatabase } from '../support/database.ts';

const root = new URL('../../', import.meta.url).pathname;
const text = readFileSync(join(root, 'docs/typed-events.md'), 'utf8');
const run = promisify(execFile);

/** Code of the page, as it is printed: language, name if it is a whole file, content. */
const blocks = [...text.matchAll(/^```(\w+) ?(\S*)\n(.*?)^```$/gms)].map(
  ([, language = '', name = '', content = '']) => ({ language, name, content }),
);
const contentsOf = (wanted: string) =>
  blocks.filter(({ language }) => language === wanted).map(({ content }) => content);

/** A folder beside the built package, with the files that the page prints. */
async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(root, 'dist/.typed-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const { name, content } of blocks) if (name !== '') await writeFile(join(folder, name), content);
  return folder;
}

it('old events are read as the newest version, as printed, against the built package', async () => {
  const database = await createDatabase();
  const folder = await makeFolder();
  const env = { ...process.env, DATABASE_URL: database.url };
  const { stdout } = await run(process.execPath, ['replay.mjs'], { cwd: folder, env });
  expect([stdout]).toEqual(contentsOf('text'));
});

it('the commands write what they say', async () => {
  const folder = await makeFolder();
  const [script = ''] = contentsOf('sh');
  // The command of this package, as npx finds it where the package is installed.
  const commands = script.replaceAll(
    'npx commitcast',
    `"${process.execPath}" "${join(root, 'dist/cli/main.js')}"`,
  );
  expect(commands).not.toBe(script);
  await run('bash', ['-ec', commands], { cwd: folder });
  const schemas = JSON.parse(await readFile(join(folder, 'schema.json'), 'utf8')) as object;
  expect(Object.keys(schemas)).toEqual(['door.opened', 'route.planned']);
  const document: unknown = JSON.parse(await readFile(join(folder, 'asyncapi.json'), 'utf8'));
  expect(document).toMatchObject({ asyncapi: '3.0.0', info: { title: 'Fleet', version: '1.0.0' } });
});

it('every example in TypeScript compiles as printed', async () => {
  const folder = await makeFolder();
  const given = `
import type { Transaction } from 'commitcast';
declare global {
  function show(...values: unknown[]): void;
  const connect: typeof import('commitcast/client').connect;
  const token: string;
  const tx: Transaction;
}`;
  await writeFile(join(folder, 'given.ts'), given);
  const examples = contentsOf('ts');
  expect(examples.length).toBeGreaterThan(0);
  for (const [n, content] of examples.entries())
    await writeFile(join(folder, `example-${n}.ts`), `${content}\nexport {};\n`);
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      lib: ['es2023', 'dom'],
      paths: {
        commitcast: [join(root, 'src/index.ts')],
        'commitcast/client': [join(root, 'src/client/index.ts')],
      },
    },
    include: ['*.ts'],
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const program = join(root, 'node_modules/typescript/bin/tsc');
  const { stdout } = await run(process.execPath, [program, '-p', folder]).catch(
    (error: unknown) => error as { stdout: string },
  );
  expect(stdout).toBe('');
});
