import { drizzle } from 'drizzle-orm/node-postgres';
import { sql } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { snapshot } from '../../src/log/snapshot.ts';
import { createDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';

const database = await createDatabase();

it('a drizzle snapshot whose connection is lost while it waits for something else fails, and ends no process', async () => {
  const taking = snapshot(drizzle(database.pool), async (tx) => {
    const { rows } = await tx.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`);
    const { pid } = rows[0] ?? {};
    await database.pool.query('select pg_terminate_backend($1)', [pid]);
    await until(async () => {
      const { rowCount } = await database.pool.query('select from pg_stat_activity where pid = $1', [pid]);
      return rowCount === 0;
    });
    await tx.execute(sql`select 1`);
  });
  await expect(taking).rejects.toThrow();
  expect(await snapshot(drizzle(database.pool), () => 'again')).toBe('again');
});
