import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { freePort } from '../../src/embedded/free-port.ts';
import type { TestDatabase } from './database.ts';
import { findTool } from './tools.ts';
import { until } from './until.ts';

export interface PgBouncerOptions {
  mode?: 'transaction' | 'session' | 'statement';
  /** Server connections for each database and user. Default: 20. */
  poolSize?: number;
  /** Idle server connections are taken in turn, not the last one first. */
  roundRobin?: boolean;
  /** Default: what the startup message of Commitcast's own connections holds. */
  ignoreStartupParameters?: string;
}

const ownParameters =
  'options,extra_float_digits,statement_timeout,lock_timeout,idle_in_transaction_session_timeout';

/**
 * A PgBouncer before the database; ended with the test. Use it inside `describeWithTool('pgbouncer', …)`.
 *
 * @returns the database's address through it
 */
export async function startPgBouncer(
  database: TestDatabase,
  {
    mode = 'transaction',
    poolSize = 20,
    roundRobin = false,
    ignoreStartupParameters = ownParameters,
  }: PgBouncerOptions = {},
): Promise<string> {
  const program = findTool('pgbouncer');
  if (program === undefined) throw new Error('PgBouncer is not installed: see test/support/tools.ts');
  const target = new URL(database.url);
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'commitcast-pgbouncer-'));
  const file = join(folder, 'pgbouncer.ini');
  const server = [
    `host=${target.hostname}`,
    `port=${target.port || 5432}`,
    `user=${decodeURIComponent(target.username)}`,
    ...(target.password === '' ? [] : [`password=${decodeURIComponent(target.password)}`]),
  ];
  await writeFile(
    file,
    `[databases]
* = ${server.join(' ')}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
default_pool_size = ${poolSize}
server_round_robin = ${Number(roundRobin)}
ignore_startup_parameters = ${ignoreStartupParameters}
`,
  );
  // It refuses to run as root, and then takes what of its configuration it may read.
  const root = process.getuid?.() === 0;
  if (root) for (const path of [folder, file]) await chown(path, nobody, nobody);
  const child = spawn(program, [file], { stdio: 'ignore', ...(root ? { uid: nobody, gid: nobody } : {}) });
  const ended = once(child, 'close');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true, force: true });
  });
  await until(() => isOpen(port), { message: 'PgBouncer to listen' });
  const url = new URL(database.url);
  url.host = `127.0.0.1:${port}`;
  return url.href;
}

const nobody = 65_534;

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } finally {
    socket.destroy();
  }
}
