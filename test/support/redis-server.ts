import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { freePort } from '../../src/embedded/free-port.ts';
import { findTool } from './tools.ts';
import { until } from './until.ts';

/** A Redis of the test's own, that keeps nothing. */
export interface RedisServer {
  readonly url: string;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** Starts it on the same port, where it answers when this returns. */
  start(...settings: string[]): Promise<void>;
  /** Its connections stay, and nothing answers. */
  freeze(): void;
  thaw(): void;
  /** What it answers to one command, as it is on the wire. */
  ask(command: string): Promise<string>;
}

/** Killed at the end of the test. Use it inside `describeWithTool('redis-server', …)`. */
export async function startRedisServer(...settings: string[]): Promise<RedisServer> {
  const server = await prepareRedisServer();
  await server.start(...settings);
  return server;
}

/** One that nobody has started yet. */
export async function prepareRedisServer(): Promise<RedisServer> {
  const program = findTool('redis-server');
  if (program === undefined) throw new Error('redis-server is not installed: see test/support/tools.ts');
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'commitcast-redis-'));
  let child: ChildProcess | undefined;

  const kill = async () => {
    const killed = child;
    child = undefined;
    if (!killed || killed.exitCode !== null || killed.signalCode !== null) return;
    const ended = once(killed, 'exit');
    killed.kill('SIGKILL');
    await ended;
  };
  onTestFinished(async () => {
    await kill();
    await rm(folder, { recursive: true });
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    kill,
    async start(...settings) {
      const fixed = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
      child = spawn(program, [...fixed, '--dir', folder, ...settings], { stdio: 'ignore' });
      // Who wants a password answers too.
      await until(async () => /^[+-]/.test(await ask(port, 'PING')), { message: 'redis-server to answer' });
    },
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    ask: (command) => ask(port, command),
  };
}

async function ask(port: number, command: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  try {
    socket.write(`${command}\r\n`);
    const [answer] = (await once(socket, 'data', { signal: AbortSignal.timeout(1_000) })) as [string];
    return answer;
  } finally {
    socket.destroy();
  }
}
