import { spawn } from 'node:child_process';
import { once as onceEvent } from 'node:events';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { append } from '../../../src/log/append.ts';
import { readHead } from '../../../src/log/head.ts';
import { createDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';
import { listeners, startOurs, startStock, terminate, untilHeard } from './instances.ts';
import { startNetwork } from './network.ts';

/** With the random part of it zero, the stock adapter connects again a second after a loss, as soon as it ever does. */
const stockPauseMs = 1_000;
const withoutJitter = () => {
  const random = vi.spyOn(Math, 'random').mockReturnValue(0);
  onTestFinished(() => random.mockRestore());
};

/** The manual's example, in a process of its own: it says when it listens. */
const manual = `
  import { createAdapter } from '@socket.io/postgres-adapter';
  import { Pool } from 'pg';
  import { Server } from 'socket.io';
  const io = new Server();
  io.adapter(createAdapter(new Pool({ connectionString: process.env.DATABASE_URL })));
  setTimeout(() => process.exit(0), 60_000);
`;

describe('when the connection that listens is lost', () => {
  it('stock: the process ends', async () => {
    const database = await createDatabase();
    const child = spawn(process.execPath, ['--input-type=module', '--eval', manual], {
      env: { ...process.env, DATABASE_URL: database.url },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let complaint = '';
    child.stderr.on('data', (chunk) => (complaint += String(chunk)));
    const exited = onceEvent(child, 'close');
    await terminate(database, await until(async () => nonEmpty(await listeners(database))));
    expect(await exited).toEqual([1, null]);
    expect(complaint).toContain('terminating connection due to administrator command');
  });

  it('stock: a slot of the pool is lost each time, until it can listen no more', async () => {
    withoutJitter();
    const database = await createDatabase();
    const { pool } = startStock(database.url, { max: 2 });
    for (let cut = 1; cut <= 2; cut++) {
      await terminate(database, await until(async () => nonEmpty(await listeners(database))));
    }
    // It asks for a third one, and there is nobody to give it back.
    await until(() => pool.waitingCount > 0);
    expect({ total: pool.totalCount, idle: pool.idleCount }).toEqual({ total: 2, idle: 0 });
    expect(await listeners(database)).toEqual([]);
  });

  it('ours: 100 times, and so is the sender: no slot, listener or timer is left, and messages still cross', async () => {
    const database = await createDatabase();
    const there = await startOurs(database.url);
    const here = await startOurs(database.url);
    await untilHeard(here, there);
    const warnings = vi.fn<(warning: Error) => void>();
    process.on('warning', warnings);
    onTestFinished(() => void process.off('warning', warnings));
    const everyone = async () => {
      const { rows } = await database.pool.query<{ pid: number }>(
        `select pid from pg_stat_activity
         where datname = current_database() and application_name like 'commitcast-adapter-%'`,
      );
      return rows.map(({ pid }) => pid);
    };
    await until(async () => (await everyone()).length === 4);
    const before = countOpen();
    for (let cut = 0; cut < 100; cut++) {
      await until(() => here.state === 'ok' && there.state === 'ok');
      const living = await everyone();
      expect(living).toHaveLength(4);
      await terminate(database, living);
      await until(async () => (await everyone()).length === 4);
    }
    await until(() => here.state === 'ok' && there.state === 'ok');
    await until(() => countOpen() <= before);
    expect(warnings).not.toHaveBeenCalled();
    here.say('after');
    await until(() => there.heard.includes('after'));
    expect(there.heard).toEqual(['after']);
  });

  it('stock: what is said until it connects again, a second or more later, is lost without a word', async () => {
    withoutJitter();
    const database = await createDatabase();
    const there = startStock(database.url);
    const here = startStock(database.url);
    await until(async () => (await listeners(database)).length === 2);
    await untilHeard(here, there);
    await untilHeard(there, here);
    const cutAt = performance.now();
    await terminate(database, await listeners(database));
    for (let n = 0; n < 50; n++) here.say('lost');
    await untilHeard(here, there);
    expect(performance.now() - cutAt).toBeGreaterThan(stockPauseMs * 0.9);
    expect(there.heard).toEqual([]);
    expect([...here.errors, ...there.errors]).toEqual([]);
  });

  it('ours: it listens again long before, and says so, so that the log is looked at', async () => {
    const database = await createDatabase();
    const network = await startNetwork(database.url);
    const seen: number[] = [];
    const look = async () => seen.push((await readHead(database.pool)).last);
    const there = await startOurs(network.url, { onGap: () => void look() });
    const here = await startOurs(database.url);
    await untilHeard(here, there);
    await until(() => there.state === 'ok');

    network.cut({ refuse: true });
    await until(() => there.state === 'unreachable');
    const before = (await readHead(database.pool)).last;
    await until(() => seen.includes(before));
    here.say('lost');
    await append(database.pool, { org: 'acme', type: 'while deaf', data: null });
    expect(seen).not.toContain(before + 1);
    network.accept();
    // The message is gone; for the event nothing more had to happen.
    await until(() => seen.includes(before + 1));
    await until(() => there.state === 'ok');
    expect(there.heard).toEqual([]);
  });

  it('ours: the next message is heard before the stock adapter would so much as connect', async () => {
    const database = await createDatabase();
    const there = await startOurs(database.url);
    const here = await startOurs(database.url);
    await untilHeard(here, there);
    const tookMs: number[] = [];
    for (let round = 0; round < 5; round++) {
      const cutAt = performance.now();
      await terminate(database, await listeners(database));
      await untilHeard(here, there);
      tookMs.push(performance.now() - cutAt);
    }
    expect(Math.min(...tookMs)).toBeLessThan(stockPauseMs);
  });
});

/** Sockets and timers of this process. */
function countOpen(): number {
  return process.getActiveResourcesInfo().filter((kind) => /^(?:TCP|Timeout)/.test(kind)).length;
}

function nonEmpty(pids: number[]): number[] | undefined {
  return pids.length > 0 ? pids : undefined;
}
