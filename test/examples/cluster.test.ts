import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { Pool } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { append } from '../../src/log/append.ts';
import { makeFolder, runCli, servedIn } from '../support/cli.ts';
import { connectClient } from '../support/client.ts';
import { until } from '../support/until.ts';

const script = new URL('../../examples/cluster/cluster.mjs', import.meta.url).pathname;

interface Cluster {
  child: ChildProcess;
  output: () => string;
  ended: Promise<unknown[]>;
  url: string;
  databaseUrl: string;
}

/** The example as `npm run cluster` starts it, in a folder of its own. */
async function startCluster(folder: string): Promise<Cluster> {
  const child = spawn(process.execPath, [script], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = once(child, 'close');
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  await until(() => output.includes('Ctrl-C') || child.exitCode !== null, { timeoutMs: 60_000 });
  expect(output).toContain('The cluster is live');
  return { child, output: () => output, ended, ...(await servedIn(folder, child.pid)) };
}

/** Whoever works in the folder: all that the example started, and Postgres. */
function processesIn(folder: string): number[] {
  const real = realpathSync(folder);
  return readdirSync('/proc').flatMap((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`).startsWith(real) ? Number(pid) : [];
    } catch {
      return [];
    }
  });
}

const pidOf = (cluster: Cluster, name: string) =>
  Number(new RegExp(`${name} .* pid (\\d+)`).exec(cluster.output())?.[1]);

it(
  'goes on when an instance is killed: nothing is missed or doubled, over polling or WebSocket',
  { timeout: 120_000 },
  async () => {
    const folder = await makeFolder();
    const cluster = await startCluster(folder);
    const { stdout } = await runCli(['token', '--org', 'acme'], { cwd: folder });
    const connect = (transport: 'polling' | 'websocket') =>
      connectClient(cluster.url, {
        token: stdout.trim(),
        subscriptions: [{ deep: true }],
        options: { transports: [transport] },
      });
    await until(() => cluster.output().split(' is in').length === 3);
    // The balancer takes the instance with the fewest connections, so there is one of each kind at each instance.
    const sockets = [await connect('websocket'), await connect('websocket')];
    const pollers = [await connect('polling'), await connect('polling')];
    const clients = [...sockets, ...pollers];
    await Promise.all(clients.map((client) => client.live()));

    const pool = new Pool({ connectionString: cluster.databaseUrl });
    let appended = 0;
    const appendUntil = async (condition: () => boolean) => {
      for (const limit = performance.now() + 30_000; !condition() && performance.now() < limit;) {
        appended += 1;
        await append(pool, { org: 'acme', unit: `unit-${appended % 3}`, type: 'step', data: appended });
        await until(() => clients.some(({ events }) => events.length === appended));
      }
      expect(condition()).toBe(true);
    };
    await appendUntil(() => appended === 20);
    const victim = pidOf(cluster, 'instance 1');
    process.kill(victim, 'SIGKILL');
    await appendUntil(() => sockets.some(({ lives }) => lives.length > 1) && appended >= 40);
    await until(() => pollers.some(({ lives }) => lives.length > 1));
    await appendUntil(() => appended >= 60);

    await pool.end();
    const all = Array.from({ length: appended }, (_, index) => index + 1);
    await until(() => clients.every(({ events }) => events.length >= appended));
    for (const { events } of clients) expect(events.map(({ data }) => data)).toEqual(all);
    for (const kind of [sockets, pollers]) expect(kind.filter(({ drops }) => drops > 0)).toHaveLength(1);
    expect(clients.flatMap(({ resets }) => resets)).toEqual([]);

    // Taken out, started again, and taken in.
    const port = /instance 1 .*:(\d+) /.exec(cluster.output())?.[1];
    await until(() => cluster.output().split(`[balancer] ${port} is in`).length === 3);
    expect(cluster.output()).toContain(`[balancer] ${port} is out`);

    expect(processesIn(folder).length).toBeGreaterThan(4);
    cluster.child.kill('SIGINT');
    expect(await cluster.ended).toEqual([0, null]);
    expect(processesIn(folder)).toEqual([]);
  },
);

it(
  'takes its processes with it however it ends; the next start finds the database and goes on',
  { timeout: 120_000 },
  async () => {
    const folder = await makeFolder();
    const first = await startCluster(folder);
    const own = processesIn(folder).filter((pid) => pid !== first.child.pid);
    first.child.kill('SIGKILL');
    await first.ended;
    await until(() => [1, 2].every((n) => !processesIn(folder).includes(pidOf(first, `instance ${n}`))));
    expect(processesIn(folder).length).toBeLessThan(own.length);

    const second = await startCluster(folder);
    expect(second.databaseUrl).toBe(first.databaseUrl);
    second.child.kill('SIGTERM');
    expect(await second.ended).toEqual([0, null]);
    expect(processesIn(folder)).toEqual([]);
  },
);
