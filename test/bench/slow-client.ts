/*
 * One of 100 clients stops reading while 1,000 events a second are committed: what the others notice, what the server
 * keeps in memory for it, and whether it gets everything when it reads again.
 *
 * Rounds with and without the slow client alternate (A B B A …) in one run. Latency is from the moment at which a
 * transaction was meant to begin (open loop), over the same clients in both kinds of round. The server is a process of
 * its own; its memory is read from the operating system.
 *
 * Usage: npm run bench:slow-client -- [--seconds 8] [--rounds 4] [--clients 100]
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Pool } from 'pg';
import { io, type Socket } from 'socket.io-client';
import { silentLogger } from '../../src/core/logger.ts';
import { Releasers } from '../../src/core/service.ts';
import { sleep } from '../../src/core/sleep.ts';
import { migrate } from '../../src/db/migrate.ts';
import { startEmbeddedPostgres } from '../../src/embedded/embedded-postgres.ts';
import { append } from '../../src/log/append.ts';
import { slowSocket } from '../../src/testing/slow-socket.ts';
import { secret, signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '4' },
    clients: { type: 'string', default: '100' },
  },
});
const seconds = Number(values.seconds);
const eventsPerTransaction = 10;
const transactionsPerSecond = 100;
/** So that a few seconds are more than the kernel's buffers of both sides hold. */
const text = 'x'.repeat(2_000);

interface Client {
  socket: Socket;
  events: number;
  ordered: boolean;
  last: number;
  latencies: number[];
}

const releasers = new Releasers();
try {
  await main();
} finally {
  await releasers.release();
}

async function main(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'commitcast-bench-'));
  releasers.add(() => rm(directory, { recursive: true, force: true }));
  const postgres = await startEmbeddedPostgres({ directory, logger: silentLogger });
  releasers.add(() => postgres.stop());
  await migrate({ connectionString: postgres.url });
  const pool = new Pool({ connectionString: postgres.url, max: 4 });
  releasers.add(() => pool.end());
  const server = await startServer(postgres.url);
  const clients = await Promise.all(
    Array.from({ length: Number(values.clients) }, () => connect(server.url)),
  );
  releasers.add(() => clients.forEach(({ socket }) => socket.disconnect()));
  const [slow, ...others] = clients as [Client, ...Client[]];
  const brake = slowSocket(slow.socket);

  let sent = await load(pool, 2);
  await until(() => clients.every(({ events }) => events === sent));
  const rounds: { slow: boolean; p50: number; p99: number; memory: number }[] = [];
  for (let n = 0; n < Number(values.rounds); n += 1) {
    const isSlow = n % 4 === 1 || n % 4 === 2;
    for (const client of others) client.latencies.length = 0;
    const before = await server.memory();
    if (isSlow) brake.pause();
    sent += await load(pool, seconds);
    await until(() => others.every(({ events }) => events === sent), { timeoutMs: 120_000 });
    const latencies = others.flatMap((client) => client.latencies).sort((one, other) => one - other);
    const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? NaN;
    const memory = (await server.memory()) - before;
    rounds.push({ slow: isSlow, p50: at(0.5), p99: at(0.99), memory });
    const behind = sent - slow.events;
    brake.resume();
    await until(() => slow.events === sent, { timeoutMs: 120_000 });
    console.log(
      `${isSlow ? 'one stopped reading' : 'all read           '}: p50 ${at(0.5).toFixed(1)} ms, p99 ${at(0.99).toFixed(1)} ms, ` +
        `memory ${(memory / 2 ** 20).toFixed(1)} MiB more; the slow one was ${behind} events behind, and has all now`,
    );
  }
  const median = (isSlow: boolean, key: 'p50' | 'p99') => {
    const all = rounds.filter((round) => round.slow === isSlow).map((round) => round[key]);
    return all.sort((one, other) => one - other)[Math.floor(all.length / 2)] ?? NaN;
  };
  for (const key of ['p50', 'p99'] as const)
    console.log(
      `${key} of the others, with the slow one / without: ${(median(true, key) / median(false, key)).toFixed(2)}`,
    );
  console.log(`all in order, none missed, none twice: ${clients.every(({ ordered }) => ordered)}`);
}

/** Open loop: a transaction that is late does not make the next one later. */
async function load(pool: Pool, forSeconds: number): Promise<number> {
  const total = forSeconds * transactionsPerSecond;
  const began = Date.now();
  const all: Promise<unknown>[] = [];
  for (let n = 0; n < total; n += 1) {
    const due = began + (n * 1_000) / transactionsPerSecond;
    if (due > Date.now()) await sleep(due - Date.now());
    const event = { org: 'acme', type: 'x', data: { due, text } };
    all.push(
      append(
        pool,
        Array.from({ length: eventsPerTransaction }, () => event),
      ),
    );
  }
  await Promise.all(all);
  return total * eventsPerTransaction;
}

async function connect(url: string): Promise<Client> {
  const socket = io(url, { transports: ['websocket'], forceNew: true, auth: { token: await signToken() } });
  const client: Client = { socket, events: 0, ordered: true, last: 0, latencies: [] };
  socket.on('events', (events: { position: number; data: { due: number } }[]) => {
    const now = Date.now();
    for (const { position, data } of events) {
      client.ordered &&= position > client.last;
      client.last = position;
      client.latencies.push(now - data.due);
    }
    client.events += events.length;
  });
  await new Promise((resolve) => socket.once('live', resolve));
  return client;
}

async function startServer(databaseUrl: string) {
  const script = join(import.meta.dirname, '..', 'model', 'server-process.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, databaseUrl, '0', secret], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  releasers.add(async () => {
    child.stdin.end();
    await once(child, 'exit');
  });
  const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  const { port } = JSON.parse(String(value)) as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    memory: async () => {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1_024;
    },
  };
}
