import { drizzle } from 'drizzle-orm/node-postgres';
import { Pool } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { inTransaction } from '../../src/consumer/database.ts';
import { executorOf } from '../../src/log/transaction.ts';
import { startTcpProxy } from '../../src/testing/tcp-proxy.ts';
import { createDatabase } from '../support/database.ts';

const database = await createDatabase();

it('a connection that is lost before the transaction begins neither ends the process nor is missing in drizzle’s pool', async () => {
  const proxy = await startTcpProxy(database.url);
  const pool = new Pool({ connectionString: proxy.url, max: 1, connectionTimeoutMillis: 5_000 });
  pool.on('error', () => undefined);
  onTestFinished(async () => {
    // Not waited for: one that is missing would never come.
    void pool.end();
    await proxy.close();
  });
  const cuts: string[] = [];
  pool.on('acquire', () => {
    if (cuts.push('cut') <= 3) proxy.cut();
  });
  const ask = async () => {
    let pid: unknown;
    await inTransaction(drizzle(pool), async (tx) => {
      [pid] = (await executorOf(tx).query('select pg_backend_pid() as pid')).rows;
    });
    return pid;
  };
  for (let n = 0; n < 3; n++) await expect(ask()).rejects.toThrow();
  const pid = await ask();
  expect(pid).toEqual({ pid: expect.any(Number) as number });
  // What it gave back is what the next one gets, also after a failure of the work.
  await expect(inTransaction(drizzle(pool), () => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
  expect(await ask()).toEqual(pid);
  expect([pool.totalCount, pool.idleCount]).toEqual([1, 1]);
});
