import { expect, it } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { insertEvent, typesInLog, untilBlocked } from '../support/transactions.ts';

const event = `insert into commitcast.outbox (org_id, type, data) values ('acme', 'second', '{}')`;
const child = `insert into model.child values (1)`;
const immediate = 'set constraints all immediate';
const deferred = 'set constraints all deferred';

/** Each waits at COMMIT, in the deferred foreign key of `child`, for the transaction that holds the parent. */
const transactions: Record<string, string[]> = {
  'event first': ['begin', event, child, 'commit'],
  'child first': ['begin', child, event, 'commit'],
  'checked in mid-transaction': ['begin', event, immediate, deferred, child, 'commit'],
  'checked twice': ['begin', event, event, immediate, 'select 1', immediate, deferred, child, 'commit'],
  'checked within a savepoint': [
    'begin',
    'savepoint s',
    event,
    immediate,
    'release s',
    deferred,
    child,
    'commit',
  ],
  'checked within a savepoint that is rolled back': [
    'begin',
    event,
    'savepoint s',
    event,
    immediate,
    'rollback to s',
    child,
    'commit',
  ],
  'checked in a function': [
    'begin',
    `do $$ begin ${event}; ${immediate}; ${deferred}; ${child}; end $$`,
    'commit',
  ],
};

async function createFamily() {
  const database = await createDatabase();
  await database.pool.query(`
    create schema model;
    create table model.parent (id int primary key);
    insert into model.parent values (1);
    create table model.child (parent int references model.parent deferrable initially deferred)`);
  return database;
}

it.for(
  Object.entries(transactions).flatMap(([name, statements]): [string, string[]][] => [
    [name, statements],
    [`${name}, in one message`, [statements.join('; ')]],
  ]),
)('P2: who waits at COMMIT for another comes after it, and holds nobody up: %s', async ([, messages]) => {
  const database = await createFamily();
  const first = await database.connect();
  const second = await database.connect();
  await first.query('begin; select from model.parent for update');
  await insertEvent(first, 'first');
  const done = (async () => {
    for (const message of messages) await second.query(message);
  })();
  await untilBlocked(database, second);
  await insertEvent(database.pool, 'other');
  expect(await typesInLog(database.pool)).toEqual(['other']);
  await first.query('commit');
  await done;
  expect([...new Set(await typesInLog(database.pool))]).toEqual(['other', 'first', 'second']);
});
