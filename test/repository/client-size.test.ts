import { gzipSync } from 'node:zlib';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { build, type Rolldown } from 'vite';
import { root } from './source-files.ts';

/** Bytes of a script that uses these, minified, gzipped as well as it can be; beside what the application has anyway. */
async function sizeOf(script: string): Promise<number> {
  const entry = '\0entry';
  const output = await build({
    root,
    configFile: false,
    logLevel: 'error',
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === entry ? id : undefined),
        load: (id) => (id === entry ? script : undefined),
      },
    ],
    build: {
      write: false,
      minify: 'oxc',
      modulePreload: false,
      rolldownOptions: { input: entry, external: ['socket.io-client', 'react'] },
    },
  });
  const chunks = (output as Rolldown.RolldownOutput).output;
  expect(chunks).toHaveLength(1);
  return gzipSync(chunks[0].code, { level: 9 }).length;
}

const client = join(root, 'src/client/index.ts');
const react = join(root, 'src/client/react/index.ts');
const useClient = `import { connect } from '${client}'; globalThis.c = connect;`;

// 6 kB is the goal; what a session has to know over rewinds, resets and reloads costs more so far.
it('the client is 6.8 kB at most, beside socket.io-client', async () => {
  const size = await sizeOf(useClient);
  console.log(`commitcast/client: ${size} bytes, minified and gzipped`);
  expect(size).toBeLessThanOrEqual(6_800);
});

it('the React hooks are 1.5 kB more at most', async () => {
  const names = 'CommitcastProvider, useCommitcast, useConnection, useEvents, useSubscription';
  const both = `${useClient} import { ${names} } from '${react}'; globalThis.r = [${names}];`;
  const size = (await sizeOf(both)) - (await sizeOf(useClient));
  console.log(`commitcast/react: ${size} bytes more`);
  expect(size).toBeLessThanOrEqual(1_536);
});
