import type { Client } from 'pg';
import { beforeEach, describe, expect, it } from 'vitest';
import { readCommitting } from '../../src/log/read-committing.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { insertEvent, typesInLog, untilBlocked } from '../support/transactions.ts';

let database: TestDatabase;
let a: Client;
let b: Client;

beforeEach(async () => {
  database = await createDatabase();
  await database.pool.query(`
    create table unit (id int primary key, n int not null default 0);
    insert into unit values (1), (2);
    create table part (unit_id int references unit deferrable initially deferred)`);
  a = await database.connect();
  b = await database.connect();
});

const inLog = () => typesInLog(database.pool);

/** Nothing of Commitcast is in flight, and another writer gets its event through. */
async function expectNobodyHeld() {
  expect(await readCommitting(database.pool)).toEqual([]);
  await insertEvent(database.pool, 'other');
  expect((await inLog()).at(-1)).toBe('other');
  const { rows } = await database.pool.query(
    'select count(*) = max(position) as dense from commitcast.log where position > 0',
  );
  expect(rows).toEqual([{ dense: true }]);
}

describe('a position is given at the end of the commit:', () => {
  it('who inserts first and commits last comes last', async () => {
    await a.query('begin');
    await insertEvent(a, 'a');
    await b.query('begin');
    await insertEvent(b, 'b');
    await b.query('commit');
    await a.query('commit');
    expect(await inLog()).toEqual(['b', 'a']);
  });

  it('who waited for a row that another had locked comes after it, however early it inserted', async () => {
    await b.query('begin');
    await insertEvent(b, 'b');
    await a.query('begin');
    await a.query('update unit set n = n + 1 where id = 1');
    const waiting = b.query('update unit set n = n + 1 where id = 1');
    await untilBlocked(database, b);
    await insertEvent(a, 'a');
    await a.query('commit');
    await waiting;
    await b.query('commit');
    expect(await inLog()).toEqual(['a', 'b']);
  });

  it('who waits in a deferred foreign key at COMMIT comes after the one it waits for, and holds nobody', async () => {
    await a.query('begin');
    await a.query('select from unit where id = 1 for update');
    await b.query('begin');
    await insertEvent(b, 'b');
    await b.query('insert into part values (1)');
    const committed = b.query('commit');
    await untilBlocked(database, b);
    await expectNobodyHeld();
    await insertEvent(a, 'a');
    await a.query('commit');
    await committed;
    expect(await inLog()).toEqual(['other', 'a', 'b']);
  });

  it('an event that a deferred trigger appends at COMMIT is published', async () => {
    await a.query(`
      create function added() returns trigger language plpgsql as $$
      begin
        insert into commitcast.outbox (org_id, type, data) values ('acme', 'late', '{}');
        return null;
      end $$;
      create constraint trigger added after insert on part deferrable initially deferred
      for each row execute function added()`);
    await a.query('begin');
    await a.query('insert into part values (1)');
    await insertEvent(a, 'early');
    await a.query('commit');
    expect(await inLog()).toEqual(['early', 'late']);
  });

  it('an idle transaction with an event holds nobody', async () => {
    await a.query('begin');
    await insertEvent(a, 'idle');
    await expectNobodyHeld();
    await a.query('rollback');
    expect(await inLog()).toEqual(['other']);
  });

  it('a commit that fails at its deferred constraints publishes nothing', async () => {
    await a.query('begin');
    await insertEvent(a, 'a');
    await a.query('insert into part values (3)');
    await expect(a.query('commit')).rejects.toMatchObject({ code: '23503' });
    await expectNobodyHeld();
    expect(await inLog()).toEqual(['other']);
  });

  it.each(['repeatable read', 'serializable'])('a %s writer publishes', async (level) => {
    await a.query(`begin isolation level ${level}`);
    await a.query('select count(*) from unit');
    await insertEvent(b, 'b');
    await insertEvent(a, 'a');
    await a.query('update unit set n = 5 where id = 2');
    await a.query('commit');
    expect(await inLog()).toEqual(['b', 'a']);
  });

  it('serializable writers that touch different rows do not fail because of their events', async () => {
    for (const [client, id] of [
      [a, 1],
      [b, 2],
    ] as const) {
      await client.query('begin isolation level serializable');
      await client.query('update unit set n = n + 1 where id = $1', [id]);
      await insertEvent(client, `unit ${id}`);
    }
    await a.query('commit');
    await b.query('commit');
    expect(await inLog()).toEqual(['unit 1', 'unit 2']);
  });
});

describe('a position survives what happens to its session:', () => {
  it('synchronous_commit = off is turned on for a transaction with events, and for no other', async () => {
    await database.pool.query(`
      create table seen (value text);
      create function spy() returns trigger language plpgsql as $$
      begin
        insert into seen values (current_setting('synchronous_commit'));
        return null;
      end $$;
      create constraint trigger spy after insert on commitcast.log_1 deferrable initially deferred
      for each row execute function spy()`);
    await a.query('set synchronous_commit = off');
    await insertEvent(a, 'one');
    await a.query('begin');
    await a.query('set local synchronous_commit = off');
    await insertEvent(a, 'two');
    await a.query('commit');
    await a.query('set synchronous_commit = local');
    await insertEvent(a, 'three');
    expect((await database.pool.query('select value from seen')).rows).toEqual([
      { value: 'on' },
      { value: 'on' },
      { value: 'local' },
    ]);
    expect((await a.query('show synchronous_commit')).rows).toEqual([{ synchronous_commit: 'local' }]);
  });

  it('session_replication_role = replica publishes all the same', async () => {
    await a.query('set session_replication_role = replica');
    await insertEvent(a, 'replicated');
    expect(await inLog()).toEqual(['replicated']);
  });

  it('a row of another transaction, as of a restored dump, is let in and never published', async () => {
    await a.query(
      `insert into commitcast.outbox (org_id, type, data, tx) values ('acme', 'restored', '{}', '7')`,
    );
    expect(await inLog()).toEqual([]);
  });
});
