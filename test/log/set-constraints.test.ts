import type { Client } from 'pg';
import { beforeEach, describe, expect, it } from 'vitest';
import { readCommitting } from '../../src/log/read-committing.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { insertEvent, typesInLog, untilBlocked } from '../support/transactions.ts';

let database: TestDatabase;
let client: Client;

beforeEach(async () => {
  database = await createDatabase();
  client = await database.connect();
});

const immediate = 'set constraints all immediate';
const insert = (type: string) =>
  `insert into commitcast.outbox (org_id, type, data) values ('acme', '${type}', '{}')`;

/** The transaction itself would see its rows in the log. */
async function expectNoPositionYet() {
  expect(await typesInLog(client)).toEqual([]);
  expect(await readCommitting(database.pool)).toEqual([]);
}

// Each step a statement of its own; then the same in one message, and in one DO block.
const transactions: Record<string, { steps: string[]; logged: string[] }> = {
  'after an event': { steps: [insert('1'), immediate], logged: ['1'] },
  'before an event': { steps: [immediate, insert('1')], logged: ['1'] },
  'between events': { steps: [insert('1'), immediate, insert('2'), insert('3')], logged: ['1', '2', '3'] },
  twice: { steps: [insert('1'), immediate, immediate], logged: ['1'] },
  'three times, with events between': {
    steps: [insert('1'), immediate, insert('2'), immediate, insert('3'), immediate],
    logged: ['1', '2', '3'],
  },
  'and deferred again': {
    steps: [insert('1'), immediate, 'set constraints all deferred', insert('2'), immediate],
    logged: ['1', '2'],
  },
};

const savepoints: Record<string, { steps: string[]; logged: string[] }> = {
  'in a savepoint that is kept': {
    steps: [insert('1'), 'savepoint s', insert('2'), immediate, 'release s', immediate, insert('3')],
    logged: ['1', '2', '3'],
  },
  'in a savepoint that is rolled back': {
    steps: [insert('1'), 'savepoint s', insert('2'), immediate, immediate, 'rollback to s', insert('3')],
    logged: ['1', '3'],
  },
  'around a savepoint that is rolled back': {
    steps: [insert('1'), immediate, 'savepoint s', insert('2'), immediate, 'rollback to s', immediate],
    logged: ['1'],
  },
};

describe('SET CONSTRAINTS ALL IMMEDIATE gives no position before COMMIT, and loses none:', () => {
  it.each(Object.entries({ ...transactions, ...savepoints }))('%s', async (_, { steps, logged }) => {
    await client.query('begin');
    for (const step of steps) {
      await client.query(step);
      await expectNoPositionYet();
    }
    await client.query('commit');
    expect(await typesInLog(client)).toEqual(logged);
  });

  it.each(Object.entries({ ...transactions, ...savepoints }))(
    '%s, in one message',
    async (_, { steps, logged }) => {
      await client.query(['begin', ...steps].join(';'));
      await expectNoPositionYet();
      await client.query('commit');
      expect(await typesInLog(client)).toEqual(logged);
    },
  );

  it.each(Object.entries(transactions))('%s, in one DO block', async (_, { steps, logged }) => {
    await client.query('begin');
    await client.query(`do $$ begin ${steps.join(';')}; end $$`);
    await expectNoPositionYet();
    await client.query('commit');
    expect(await typesInLog(client)).toEqual(logged);
  });

  it('in a transaction that is one message, up to its COMMIT', async () => {
    await client.query(`create table seen (events bigint)`);
    const look = 'insert into seen select count(*) from commitcast.log';
    await client.query(['begin', insert('1'), immediate, immediate, look, insert('2'), 'commit'].join(';'));
    expect((await client.query('select events::int from seen')).rows).toEqual([{ events: 0 }]);
    expect(await typesInLog(client)).toEqual(['1', '2']);
  });

  it.each<[string, string[]]>([
    ['alone', []],
    ['after one in the transaction', [immediate, 'set constraints all deferred']],
  ])('in a deferred trigger at COMMIT, %s', async (_, between) => {
    await client.query(`
      create table part (id int);
      create function hurry() returns trigger language plpgsql as $$
      begin
        set constraints all immediate;
        return null;
      end $$;
      create constraint trigger hurry after insert on part deferrable initially deferred
      for each row execute function hurry()`);
    await client.query('begin');
    await insertEvent(client, '1');
    for (const step of between) await client.query(step);
    await client.query('insert into part values (1)');
    await insertEvent(client, '2');
    await client.query('insert into part values (2)');
    await client.query('commit');
    expect(await typesInLog(client)).toEqual(['1', '2']);
  });

  it('and a deferred foreign key that waits at COMMIT afterwards holds nobody', async () => {
    await client.query(`create table unit (id int primary key); insert into unit values (1);
      create table part (unit_id int references unit deferrable initially deferred)`);
    const other = await database.connect();
    await other.query('begin');
    await other.query('select from unit for update');
    const steps = [insert('waits'), immediate, 'set constraints all deferred', 'insert into part values (1)'];
    await client.query(['begin', ...steps].join(';'));
    const committed = client.query('commit');
    await untilBlocked(database, client);
    expect(await readCommitting(database.pool)).toEqual([]);
    await insertEvent(other, 'first');
    await other.query('commit');
    await committed;
    expect(await typesInLog(client)).toEqual(['first', 'waits']);
  });

  it('and the next transaction of the session is not affected', async () => {
    await client.query(['begin', insert('1'), immediate, immediate, 'commit'].join(';'));
    await insertEvent(client, '2');
    await client.query('begin');
    await insertEvent(client, '3');
    await insertEvent(client, '4');
    await client.query('commit');
    expect(await typesInLog(client)).toEqual(['1', '2', '3', '4']);
  });
});
