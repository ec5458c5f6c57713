import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, inject, it, onTestFinished } from 'vitest';
import { makeFolder, runCli } from '../support/cli.ts';
import { until } from '../support/until.ts';
import { createDatabaseAt } from '../upgrade/old-database.ts';

const ownRoot = new URL('../../', import.meta.url).pathname;

it('each command that the README of a new application prints works as it is printed', async () => {
  const folder = join(await makeFolder(), 'app');
  await runCli(['init', folder], { cwd: '/' });
  const readme = await readFile(join(folder, 'README.md'), 'utf8');
  const block = /```sh\n(.*?)```/s.exec(readme)?.[1] ?? '';
  const [install, copy = '', start = '', ...more] = block.trim().split('\n');
  expect([install, more]).toEqual(['npm install', []]);
  const inText = [...readme.matchAll(/`(np[mx] [^`]+)`/g)].map(([, command = '']) => command);
  expect(inText).toEqual([
    'npm run commitcast status',
    'npm run commitcast tail',
    'npm run commitcast doctor',
    'npx commitcast',
  ]);

  // What `npm install` does: test/package/init.test.ts runs that with the packed tarball.
  const { dependencies } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  await mkdir(join(folder, 'node_modules'));
  for (const name of Object.keys(dependencies)) {
    const at = name === 'commitcast' ? ownRoot : join(ownRoot, 'node_modules', name);
    await symlink(at, join(folder, 'node_modules', name));
  }

  const database = await createDatabaseAt(inject('postgres').url, -1);
  onTestFinished(() => database.drop());
  expect(await launch(folder, copy).ended).toBe(0);
  const port = await freePort();
  const environment = join(folder, '.env');
  const named = (await readFile(environment, 'utf8'))
    .replace(/^DATABASE_URL=.*$/m, `DATABASE_URL=${database.url}`)
    .replace(/^PORT=.*$/m, `PORT=${port}`);
  await writeFile(environment, named);

  const server = launch(folder, start);
  await until(() => server.said().includes(`Notes: http://127.0.0.1:${port}`)).catch((cause: unknown) => {
    throw new Error(`It says: ${server.said()}`, { cause });
  });
  const headers = { 'content-type': 'application/json' };
  const posted = await fetch(`http://127.0.0.1:${port}/notes`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ text: 'first' }),
  });
  expect(posted.status).toBe(200);

  const [status = '', tail = '', doctor = ''] = inText;
  await until(async () => {
    const shown = launch(folder, status);
    expect(await shown.ended).toBe(0);
    return /^published 1, all of the log$/m.test(shown.said());
  });
  const examined = launch(folder, doctor);
  // What it says depends on the server, too: that it has looked is enough.
  await examined.ended;
  expect(examined.said()).toMatch(/Each code has a section in docs\/doctor\.md|Nothing found/);
  const followed = launch(folder, tail);
  await fetch(`http://127.0.0.1:${port}/notes`, { method: 'POST', headers, body: '{"text":"second"}' });
  await until(async () => {
    await fetch(`http://127.0.0.1:${port}/notes`, { method: 'POST', headers, body: '{"text":"again"}' });
    return followed.said().includes('"again"');
  });
  followed.interrupt();
  await followed.ended;
});

/** A line of a shell, as somebody types it in this folder: nothing but `.env` names the database. */
function launch(cwd: string, command: string) {
  const child = spawn('sh', ['-c', command], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  // As the terminal does: to all of them, npm and what it started.
  const signal = (name: NodeJS.Signals) => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, name);
  };
  onTestFinished(async () => {
    signal('SIGTERM');
    await ended;
  });
  return {
    said: () => said,
    ended,
    interrupt: () => {
      signal('SIGINT');
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}
