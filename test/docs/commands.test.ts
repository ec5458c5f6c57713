import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { append } from '../../src/log/append.ts';
import { makeFolder } from '../support/cli.ts';
import { createDatabase } from '../support/database.ts';
import {
  docBlock,
  listPages,
  makeDocFolder,
  readPage,
  root,
  withBuiltCommand,
} from '../support/doc-blocks.ts';
import { startServer } from '../support/server.ts';
import { secret, signToken } from '../support/tokens.ts';
import { describeWithTool, findTool } from '../support/tools.ts';
import { until } from '../support/until.ts';

interface Run {
  stdout: () => string;
  /** Resolves with the exit code. */
  ended: Promise<number | null>;
}

/** Lines of a page in a shell, with this package's command. What they start is killed with the test. */
function start(script: string, env: Record<string, string>, cwd: string): Run {
  const child = spawn('bash', ['--norc', '-c', script], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // In a group of its own: what the shell starts is ended with it.
    detached: true,
  });
  let out = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (out += text));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined)
      process.kill(-child.pid, 'SIGKILL');
    await ended;
  });
  return { stdout: () => out, ended };
}

async function run(script: string, env: Record<string, string>, cwd: string) {
  const { stdout, ended } = start(script, env, cwd);
  return { code: await ended, stdout: stdout() };
}

/** What each line of the README's list prints first of all; `undefined`: it is not run here, its own tests do. */
const shown: Record<string, RegExp | undefined> = {
  token: /^[\w-]+\.[\w-]+\.[\w-]+\n$/,
  append: /^[\da-f-]{36}/m,
  tail: /hello/,
  migrate: /./,
  epoch: /^In force: [a-z2-7]{8}$/m,
  'consumers list': /./,
  status: /^Postgres .*, epoch/m,
  doctor: /./,
  grants: /^grant .* to "?shop"?;$/im,
  schema: /"door\.opened"/,
  // Minutes of load: test/cli/bench.test.ts.
  bench: undefined,
};

const readmeLines = docBlock('README.md', 'sh', 'npx commitcast token').trim().split('\n');

it('the list of the README has each command that is run here', () => {
  const named = readmeLines.map((line) => /^npx commitcast ([a-z]+(?: list)?)/.exec(line)?.[1]);
  expect(named).toEqual(Object.keys(shown));
});

const runHere = readmeLines.filter((line) => !line.startsWith('npx commitcast bench'));

it.each(runHere.map((line) => line.replace(/ {2,}#.*$/, '')))(
  '`%s` of the README does what it says',
  async (line) => {
    const verb = /^npx commitcast ([a-z]+(?: list)?)/.exec(line)?.[1] ?? '';
    const expected = shown[verb];
    if (expected === undefined) throw new Error(`nothing is said of ${verb}`);
    const database = await createDatabase();
    await startServer(database);
    await append(database.pool, { org: 'acme', type: 'hello', data: 1 });
    const cwd = await makeDocFolder({ 'events.mjs': docBlock('docs/typed-events.md', 'js events.mjs') });
    const started = start(withBuiltCommand(line), { DATABASE_URL: database.url, JWT_SECRET: secret }, cwd);
    if (verb === 'tail') {
      // It follows from now on: events are appended until one has come.
      await until(async () => {
        await append(database.pool, { org: 'acme', type: 'hello', data: 2 });
        return expected.test(started.stdout());
      });
      return;
    }
    // Servers of tests may be lost in a crash, which `doctor` does not approve of.
    expect(verb === 'doctor' ? [0, 1] : [0]).toContain(await started.ended);
    expect(started.stdout()).toMatch(expected);
  },
);

it('the commands of docs/doctor.md look at the database that is named', async () => {
  const database = await createDatabase();
  await startServer(database);
  const env = { DATABASE_URL: database.url };
  const cwd = await makeFolder();
  const lines = docBlock('docs/doctor.md', 'sh').trim().split('\n').map(withBuiltCommand);
  const [text, json, status] = await Promise.all(lines.map((line) => run(line, env, cwd)));
  // Tests run as a superuser, so there is something to say of every server.
  const { findings } = JSON.parse(json?.stdout ?? '') as { findings: { code: string }[] };
  expect(findings.map(({ code }) => code)).toContain('ROLE_IS_SUPERUSER');
  expect(text?.stdout).toContain('ROLE_IS_SUPERUSER');
  expect(status).toMatchObject({ code: 0, stdout: expect.stringMatching(/^leader/m) as string });
});

it('the relay of docs/cluster.md leads, without a key', async () => {
  const database = await createDatabase();
  const line = docBlock('docs/cluster.md', 'sh', 'DATABASE_URL').replace('postgres://…', `'${database.url}'`);
  expect(line).toContain(database.url);
  start(withBuiltCommand(line), {}, await makeFolder());
  await until(async () => {
    const { rows } = await database.pool.query('select leader from commitcast.relay where heartbeat > 0');
    return rows.length === 1;
  });
});

it('what docs/monitoring/README.md configures is there: rules, the job that they name, and a token that may', async () => {
  const yaml = docBlock('docs/monitoring/README.md', 'yaml');
  const value = (pattern: RegExp) => pattern.exec(yaml)?.[1] ?? '';
  const rules = join(root, 'docs/monitoring', value(/^rule_files: \[(.*)\]$/m));
  expect(existsSync(rules)).toBe(true);
  const jobs = new Set([...(await readFile(rules, 'utf8')).matchAll(/job="(\w+)"/g)].map(([, job]) => job));
  expect([...jobs]).toEqual([value(/job_name: (.*)$/m)]);

  const { url } = await startServer(await createDatabase(), { localOperator: false });
  const file = value(/credentials_file: (\S+)/);
  const [, command = ''] = /`(commitcast token [^`]*)`/.exec(readPage('docs/monitoring/README.md')) ?? [];
  expect(command.endsWith(` > ${file}`)).toBe(true);
  const cwd = await makeFolder();
  expect((await run(withBuiltCommand(command), { JWT_SECRET: secret }, cwd)).code).toBe(0);
  const ask = async (token: string) =>
    (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } })).status;
  expect(await ask((await readFile(join(cwd, file), 'utf8')).trim())).toBe(200);
  expect(await ask(await signToken())).toBe(403);
});

describeWithTool('python3-socketio', 'the commands of docs/any-client.md', () => {
  it('make a token and follow with it, as printed', async () => {
    const page = 'docs/any-client.md';
    const database = await createDatabase();
    const { url } = await startServer(database);
    const cwd = await makeFolder();
    await writeFile(join(cwd, 'client.py'), docBlock(page, 'python client.py'));
    const printed = docBlock(page, 'sh', 'npx commitcast token');
    const script = withBuiltCommand(printed).replace('http://127.0.0.1:3000', url);
    const path = `${dirname(findTool('python3-socketio') ?? '')}:${process.env['PATH']}`;
    const client = start(script, { PATH: path, JWT_SECRET: secret, DATABASE_URL: database.url }, cwd);
    await until(() => client.stdout().includes('"live"'), { message: `the client: ${client.stdout()}` });
    await append(database.pool, { org: 'acme', unit: 'truck-7', type: 'door.opened', data: null });
    await until(() => client.stdout().includes('door.opened'));
  });
});

it('every command line of a page is one that the command has', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'dist/cli/main.js'), 'help']);
  const verbs = new Set(['help', ...[...stdout.matchAll(/^commitcast ([a-z]+)$/gm)].map(([, verb]) => verb)]);
  expect(verbs).toContain('epoch');
  const used = listPages().flatMap((page) =>
    [...readPage(page).matchAll(/`(?:npx )?commitcast ([a-z]+)/g)].map(([, verb = '']) => `${page} ${verb}`),
  );
  expect(used.length).toBeGreaterThan(30);
  expect(used.filter((each) => !verbs.has(each.split(' ')[1] ?? ''))).toEqual([]);
});
