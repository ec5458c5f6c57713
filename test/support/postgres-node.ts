import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { onTestFinished } from 'vitest';
import { freePort } from '../../src/embedded/free-port.ts';
import { identify } from '../../src/embedded/process-table.ts';
import { supportName } from './administer.ts';
import { findTool } from './tools.ts';
import { until } from './until.ts';

/** A server of the machine's own Postgres, on loopback, with which a test may do what it likes. */
export interface PostgresNode {
  /** The maintenance database, as the superuser. The same after a restart. */
  readonly url: string;
  /** What it runs on; nothing else is in it. */
  readonly data: string;
  start(): Promise<void>;
  /** In order: all is flushed, and standbys have been sent all. */
  stop(): Promise<void>;
  /** As when the machine is lost: all of its processes at once, by SIGKILL. */
  kill(): Promise<void>;
}

const password = randomBytes(12).toString('hex');

/** Nothing here has to outlive the machine, and what a killed server leaves behind must go with its folder. */
const settings: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  dynamic_shared_memory_type: 'mmap',
  fsync: 'off',
  shared_buffers: '16MB',
  // A standby asks again as soon as it may.
  wal_retrieve_retry_interval: '100ms',
};

/** A new server with an empty database, running. Use it inside `describeWithTool('pg_basebackup', …)`. */
export async function startPostgresNode(): Promise<PostgresNode> {
  const node = await createNode(async (data) => {
    const passwordFile = join(dirname(data), 'password');
    await writeFile(passwordFile, password, { mode: 0o600 });
    await giveAway(passwordFile);
    const options = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
    await runProgram('initdb', [...options, '--no-sync', '--encoding=UTF8', '--locale=C', '-D', data]);
  });
  await node.start();
  return node;
}

/** A server on the data that `fill` puts into a folder that does not exist yet. Not started. */
export async function createNode(fill: (data: string) => Promise<void>): Promise<PostgresNode> {
  const folder = await mkdtemp(join(tmpdir(), 'commitcast-node-'));
  const data = join(folder, 'data');
  let server: ChildProcess | undefined;
  const end = async (how: (pid: number) => Promise<void>) => {
    const ended = server;
    server = undefined;
    if (ended?.pid === undefined || ended.exitCode !== null) return;
    const exit = once(ended, 'exit');
    await how(ended.pid);
    await exit;
  };
  const kill = () => end((pid) => killServer(pid, data));
  onTestFinished(async () => {
    await kill();
    await rm(folder, { recursive: true, force: true });
  });
  await giveAway(folder);
  await fill(data);
  const port = await freePort();
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  return {
    url,
    data,
    kill,
    stop: () => end((pid) => Promise.resolve(void process.kill(pid, 'SIGINT'))),
    async start() {
      const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
      const started = spawn(programPath('postgres'), ['-D', data, '-p', String(port), ...flags], {
        ...(await launchOptions()),
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      server = started;
      let words = '';
      started.stderr.setEncoding('utf8').on('data', (text: string) => (words = (words + text).slice(-4_000)));
      await until(() => started.exitCode !== null || answers(url), { message: `the server in ${data}` });
      if (started.exitCode !== null) throw new Error(`Postgres in ${data} ended at once: ${words}`);
    },
  };
}

/** Runs a program that came with the server, or one of another path, as the user that the server runs as. */
export async function runProgram(name: string, args: string[]): Promise<void> {
  await promisify(execFile)(isAbsolute(name) ? name : programPath(name), args, await launchOptions());
}

/** Rows of one statement, on a connection of its own. */
export async function queryOnce<Row>(url: string, statement: string, values: unknown[] = []): Promise<Row[]> {
  const client = new Client({ connectionString: url, application_name: supportName });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(statement, values)).rows as Row[];
  } finally {
    await client.end();
  }
}

async function answers(url: string): Promise<boolean> {
  await queryOnce(url, 'select 1');
  return true;
}

/** The server's programs are beside this one. */
function programPath(name: string): string {
  const tool = findTool('pg_basebackup');
  if (tool === undefined) throw new Error('pg_basebackup is not installed: see test/support/tools.ts');
  return join(dirname(tool), name);
}

/** Postgres refuses to run as root: then it runs as the user that Debian makes for it. */
async function launchOptions(): Promise<{ uid?: number; gid?: number; cwd: string; env: NodeJS.ProcessEnv }> {
  const env = { PATH: process.env['PATH'], LC_ALL: 'C' };
  return { ...(await findOwner()), cwd: '/', env };
}

async function giveAway(path: string): Promise<void> {
  const owner = await findOwner();
  if (owner) await chown(path, owner.uid, owner.gid);
}

async function findOwner(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.geteuid?.() !== 0) return undefined;
  const { stdout } = await promisify(execFile)('sh', ['-c', 'id -u postgres && id -g postgres']);
  const [uid, gid] = stdout.trim().split('\n').map(Number);
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

async function killServer(postmaster: number, data: string): Promise<void> {
  // Stopped, it starts no more children while they are listed. They are in sessions of their own.
  process.kill(postmaster, 'SIGSTOP');
  const listed = await promisify(execFile)('ps', ['-o', 'pid=', '--ppid', String(postmaster)]).catch(() => ({
    stdout: '',
  }));
  const children = listed.stdout.split(/\s+/).filter(Boolean).map(Number);
  const lines = (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  for (const pid of [postmaster, ...children]) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  await until(() => children.every((pid) => identify(pid) === undefined), {
    message: 'all backends to be gone',
  });
  // The few bytes of System V memory that mark a data folder as used outlive the server: key and id, in line seven.
  const id = lines[6]?.trim().split(/\s+/)[1];
  if (id !== undefined) await promisify(execFile)('ipcrm', ['-m', id]).catch(() => undefined);
}
