import { drizzle } from 'drizzle-orm/node-postgres';
import { sql } from 'drizzle-orm';
import { expect, it, onTestFinished } from 'vitest';
import type { CommitcastEvent } from '../../src/core/event.ts';
import { consume } from '../../src/http/worker.ts';
import { append } from '../../src/log/append.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';

const database = await createDatabase();
await database.pool.query(
  'create table seen (n int generated always as identity, consumer text, position bigint, data int)',
);

const seen = async (db: TestDatabase, consumer: string) =>
  (
    await db.pool.query<{ data: number }>('select data from seen where consumer = $1 order by n', [consumer])
  ).rows.map(({ data }) => data);

const note = (data: number, org = 'acme') => ({ org, type: 'note', data });

it('hands the handler every event once, in order, in the transaction that moves the checkpoint', async () => {
  await append(database.pool, [note(1), note(2), note(3)]);
  const server = await startServer(database);
  const consumer = server.app.commitcast.consume({ name: 'copy', batch: 2 }, async (tx, events) => {
    for (const { position, data } of events)
      await tx.query('insert into seen (consumer, position, data) values ($1, $2, $3)', [
        'copy',
        position,
        data,
      ]);
  });
  onTestFinished(() => consumer.stop());
  await until(async () => (await seen(database, 'copy')).length === 3);
  await append(database.pool, [note(4), note(5)]);
  await until(async () => (await seen(database, 'copy')).length === 5);
  expect(await seen(database, 'copy')).toEqual([1, 2, 3, 4, 5]);
  const { rows } = await database.pool.query('select position::int from commitcast.consumer_partition');
  expect(rows).toEqual([{ position: 5 }]);
});

it('gives a drizzle transaction where the database is drizzle’s', async () => {
  const server = await startServer(database);
  const db = drizzle(database.pool);
  const consumer = server.app.commitcast.consume({ name: 'drizzle', db }, async (tx, events) => {
    for (const { position, data } of events)
      await tx.execute(
        sql`insert into seen (consumer, position, data) values ('drizzle', ${position}, ${data})`,
      );
  });
  onTestFinished(() => consumer.stop());
  await until(async () => (await seen(database, 'drizzle')).length === 5);
});

it('a name is free again when its consumer has stopped, and taken while it runs', async () => {
  const server = await startServer(database);
  const { consume } = server.app.commitcast;
  const handle = consume({ name: 'again' }, () => {});
  expect(() => consume({ name: 'again' }, () => {})).toThrow(
    expect.objectContaining({ code: 'CONSUMER_INVALID' }),
  );
  await handle.stop();
  await consume({ name: 'again' }, () => {}).stop();
});

it('another number of partitions is refused, and leaves what is known of the consumer as it was', async () => {
  const first = await startServer(database);
  first.app.commitcast.consume({ name: 'parts', partitions: 2, types: ['note'] }, () => {});
  const known = async () =>
    (await database.pool.query(`select partitions, types from commitcast.consumer where name = 'parts'`))
      .rows;
  await until(async () => (await known()).length === 1);
  const starting = startServer(database, {
    setUp: (app) => {
      app.commitcast.consume({ name: 'parts', partitions: 3, types: ['other'] }, () => {});
    },
  });
  await expect(starting).rejects.toMatchObject({ code: 'CONSUMER_CHANGED' });
  expect(await known()).toEqual([{ partitions: 2, types: ['note'] }]);
});

it('takes a pool of pg as its database, without Fastify, and the type that the handler gives its events', async () => {
  const own = await createDatabase();
  await append(own.pool, { org: 'acme', type: 'note', data: { text: 'a' } });
  const texts: string[] = [];
  const options = { db: own.pool, name: 'alone' };
  const consumer = await consume(options, (_tx, events: CommitcastEvent<{ text: string }>[]) => {
    for (const { data } of events) texts.push(data.text);
  });
  onTestFinished(() => consumer.stop());
  await until(() => texts.length === 1);
  expect(texts).toEqual(['a']);
  await expect(consume({ name: 'nowhere' }, () => {})).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});
