import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { build, createLogger, type Rolldown } from 'vite';
import { codes } from '../../src/core/codes.ts';
import { installPacked, type Project } from './packed.ts';
import { root } from './source-files.ts';

let project: Project;

beforeAll(async () => {
  project = await installPacked();
});

it('has what runs, the migrations and the docs: no sources, no tests, no path of this machine', () => {
  const { files, folder } = project;
  const known =
    /^(?:dist\/|migrations\/|docs\/|package\.json$|README\.md$|LICENSE$|ARCHITECTURE\.md$|CHANGELOG\.md$|SECURITY\.md$)/;
  expect(files.filter((path) => !known.test(path))).toEqual([]);
  expect(files.filter((path) => /\.test\.|tsbuildinfo|(?<!\.d)\.tsx?$/.test(path))).toEqual([]);
  for (const path of ['dist/index.js', 'dist/cli/main.js', 'dist/console/index.html', 'docs/snapshot.md'])
    expect(files).toContain(path);
  const local = files.filter((path) =>
    readFileSync(join(folder, 'node_modules/commitcast', path), 'latin1').includes(root),
  );
  expect(local).toEqual([]);
});

it('gives Node its entry points, each with what it is documented to have', async () => {
  const entries = {
    commitcast: ['append', 'snapshot', 'consume', 'revoke', 'migrate', 'setupSocketAuth'],
    'commitcast/attach': ['attach'],
    'commitcast/fastify': ['commitcast'],
    'commitcast/testing': ['memoryCommitcast', 'checkHistory'],
    'commitcast/tracing': ['traced', 'tracedBatch'],
    'commitcast/client': ['CodedError', 'connect', 'defineEvents', 'isErased', 'sessionStore'],
    'commitcast/react': 'CommitcastProvider useCommitcast useConnection useEvents useSubscription'.split(' '),
  };
  for (const [entry, wanted] of Object.entries(entries)) {
    const script = `console.log(JSON.stringify(Object.keys(await import('${entry}'))))`;
    const names = JSON.parse(await project.node('--input-type=module', '-e', script)) as string[];
    expect(names, entry).toEqual(expect.arrayContaining(wanted));
    // Of what browsers load there is nothing more.
    if (/client|react/.test(entry)) expect(names.toSorted()).toEqual(wanted);
  }
});

it('gives a bundler nothing of Node, and none of the texts of the codes', async () => {
  await project.write(
    'app.js',
    `import { connect } from 'commitcast/client';
     import { CommitcastProvider, useConnection, useEvents, useSubscription } from 'commitcast/react';
     globalThis.app = [connect, CommitcastProvider, useConnection, useEvents, useSubscription];`,
  );
  const warnings: string[] = [];
  const customLogger = createLogger('warn');
  customLogger.warn = (message) => void warnings.push(message);
  customLogger.warnOnce = (message) => void warnings.push(message);
  const bundle = async (external: string[]) => {
    const input = join(project.folder, 'app.js');
    const output = await build({
      root: project.folder,
      configFile: false,
      customLogger,
      logLevel: 'warn',
      build: { write: false, rolldownOptions: { input, external } },
    });
    return (output as Rolldown.RolldownOutput).output[0].code;
  };
  expect(await bundle([])).not.toMatch(/from ?"|import\("/);
  // Without what others have written, all of the client and of the hooks is there.
  const code = await bundle(['react', 'socket.io-client']);
  expect(warnings).toEqual([]);
  for (const part of ['catching-up', 'useSyncExternalStore']) expect(code).toContain(part);
  expect(code.match(/node:|\bBuffer\b|\bprocess\b|\brequire\(/g)).toBeNull();
  const texts = Object.values(codes).flatMap(({ meaning, remedy }) => [meaning, remedy]);
  expect(texts.filter((text) => code.includes(text))).toEqual([]);
});

it.each([
  ['bundler', 'esnext'],
  ['nodenext', 'nodenext'],
])(
  'compiles an application with moduleResolution %s, its declarations checked too',
  async (moduleResolution, module) => {
    await project.write(
      'app.tsx',
      `import { connect, defineEvents } from 'commitcast/client';
     import { CommitcastProvider, useSubscription } from 'commitcast/react';
     import { z } from 'zod';
     const events = defineEvents({ 'door.opened': z.object({ by: z.string() }) });
     declare module 'commitcast/react' { interface Register { events: typeof events } }
     function Doors() {
       const { state } = useSubscription({}, (by: string, { data }) => by + data.by, '');
       return <p>{state}</p>;
     }
     export const app = <CommitcastProvider token="a token"><Doors /></CommitcastProvider>;
     const handle = connect({ token: 'a token', events }).subscribe({ unit: 'truck-7' });
     handle.on('door.opened', ({ data }) => data.by.toUpperCase());
     // @ts-expect-error -- a type that is not defined
     handle.on('door.closed', () => undefined);`,
    );
    await project.write(
      'server.ts',
      `import Fastify from 'fastify';
     import { append, snapshot } from 'commitcast';
     import { commitcast } from 'commitcast/fastify';
     import { memoryCommitcast } from 'commitcast/testing';
     import { Pool } from 'pg';
     const pool = new Pool();
     export const app = Fastify();
     app.register(commitcast, { pool, jwt: { secret: 'a secret' } });
     app.get('/', () => snapshot(pool, async (tx, cursor) => ({ state: (await tx.query('select 1')).rows, cursor })));
     await append(pool, { org: 'acme', type: 'a', data: {} });
     // @ts-expect-error -- no data
     await append(pool, { org: 'acme', type: 'a' });
     export const double = memoryCommitcast();`,
    );
    const options = {
      target: 'es2023',
      jsx: 'react-jsx',
      strict: true,
      noEmit: true,
      module,
      moduleResolution,
    };
    const compile = async (files: string[], compilerOptions: object) => {
      await project.write('tsconfig.json', JSON.stringify({ files, compilerOptions }));
      return tsc(project.folder);
    };
    const lib = ['es2023', 'dom', 'dom.iterable'];
    expect(await compile(['app.tsx'], { ...options, lib, types: [], skipLibCheck: false })).toBe('');
    expect(await compile(['server.ts'], { ...options, types: ['node'], skipLibCheck: true })).toBe('');
  },
);

/** What the compiler has to say. */
function tsc(folder: string): Promise<string> {
  const program = join(root, 'node_modules/typescript/bin/tsc');
  return new Promise((resolve) => {
    execFile(process.execPath, [program, '-p', folder], (_error, stdout) => resolve(stdout));
  });
}
