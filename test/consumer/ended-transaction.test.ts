import { drizzle } from 'drizzle-orm/node-postgres';
import { sql } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';

const database = await createDatabase();

it('a handler that commits by itself stands still, and says so, before it writes twice', async () => {
  await database.pool.query('create table seen (data int)');
  await append(
    database.pool,
    [1, 2].map((data) => ({ org: 'acme', type: 'note', data })),
  );
  const server = await startServer(database);
  server.app.commitcast.consume({ name: 'commits' }, async (tx, events) => {
    // drizzle begins and commits on the connection that is in a transaction of the consumer.
    await drizzle(tx).transaction(async (own) => {
      for (const { data } of events) await own.execute(sql`insert into seen values (${data})`);
    });
    throw new Error('too late');
  });
  const state = async () =>
    (
      await database.pool.query<{ failed: boolean; error: string | null }>(
        'select failed, error from commitcast.consumer_partition',
      )
    ).rows[0];
  await until(async () => (await state())?.failed);
  expect((await state())?.error).toMatch(/^TransactionEndedError: the handler has ended the transaction/);
  expect((await database.pool.query('select data from seen')).rows).toEqual([{ data: 1 }, { data: 2 }]);
});
