import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { freePort } from '../../../src/embedded/free-port.ts';
import { findTool } from '../../support/tools.ts';
import { until } from '../../support/until.ts';
import type { Bench } from '../harness/row.ts';

/** Why there is no Redis on this machine; `undefined`: there is one. */
export async function redisUnavailable(): Promise<string | undefined> {
  return findTool('redis-server') === undefined ? 'redis-server is not installed' : undefined;
}

/** A Redis of the measurement's own, on the core of servers, that keeps nothing on disk. Returns its address when it answers. */
export async function startRedis(bench: Bench): Promise<string> {
  const program = findTool('redis-server');
  if (program === undefined) throw new Error('redis-server is not installed');
  const port = await freePort();
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const redis = [program, ...settings, '--dir', await bench.folder()];
  const { server: core } = bench.cores;
  const [command = '', ...args] = core === undefined ? redis : ['taskset', '-c', String(core), ...redis];
  const child = spawn(command, args, { stdio: 'ignore' });
  const ended = once(child, 'close');
  bench.releasers.add(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  await until(() => answers(port), { message: 'redis-server to answer' });
  return `redis://127.0.0.1:${port}`;
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  try {
    socket.write('PING\r\n');
    const [answer] = (await once(socket, 'data', { signal: AbortSignal.timeout(1_000) })) as [string];
    return answer.startsWith('+PONG');
  } finally {
    socket.destroy();
  }
}
