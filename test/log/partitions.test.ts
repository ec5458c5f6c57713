import type { Client } from 'pg';
import { beforeEach, describe, expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { dropPartitionsBelow, makePartitions } from '../../src/log/partitions.ts';
import { readRooms } from '../../src/log/read-rooms.ts';
import { eventOf } from '../../src/log/wire-event.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { insertEvent, pidOf, typesInLog, untilBlocked } from '../support/transactions.ts';

const size = 131_072;
let database: TestDatabase;
let db: Client;

beforeEach(async () => {
  database = await createDatabase();
  db = await database.connect();
});

/** The next event gets this position. */
const moveTo = (position: number) => db.query(`select setval('commitcast.position', $1, false)`, [position]);

/** Fails if it has to wait for a transaction that the test holds open. */
async function commitWithoutWaiting(type: string): Promise<void> {
  const writer = await database.connect();
  await writer.query(`set lock_timeout = '2s'`);
  await insertEvent(writer, type);
  await writer.end();
}

/** A transaction that has read the log and stays open: what blocks everything that wants ACCESS EXCLUSIVE. */
async function openReader(): Promise<Client> {
  const reader = await database.connect();
  await reader.query('begin isolation level repeatable read');
  await reader.query('select count(*) from commitcast.log');
  return reader;
}

async function partitions() {
  const { rows } = await database.pool.query<{ name: string; detaching: boolean }>(
    'select name, detaching from commitcast.partition order by from_position',
  );
  return rows;
}

const published = (position: number) =>
  database.pool.query('update commitcast.relay set published = $1', [position]);

const floor = async () => {
  const { rows } = await database.pool.query<{ floor: number }>('select floor::int from commitcast.relay');
  return rows[0]?.floor;
};

describe('partitions are made ahead', () => {
  it('at migrate: two whole ones, and no default partition', async () => {
    expect(await partitions()).toEqual([
      { name: 'log_1', detaching: false },
      { name: `log_${size + 1}`, detaching: false },
    ]);
    expect(await makePartitions(db)).toBe(0);
  });

  it('with a reader open for long: making them does not wait, nor does a commit meanwhile', async () => {
    const reader = await openReader();
    await moveTo(size + 5);
    await db.query('begin');
    expect(await makePartitions(db)).toBeGreaterThan(0);
    await commitWithoutWaiting('while they are attached');
    await db.query('commit');
    await commitWithoutWaiting('after');
    await moveTo(2 * size + 5);
    await commitWithoutWaiting('in a new one');
    expect(await typesInLog(db)).toEqual(['while they are attached', 'after', 'in a new one']);
    expect((await reader.query('select * from commitcast.log')).rows).toEqual([]);
    await reader.query('rollback');
  });

  it('by one maker at a time: another leaves it the work and does not wait', async () => {
    await moveTo(size + 5);
    await db.query('begin');
    expect(await makePartitions(db)).toBeGreaterThan(0);
    expect(await makePartitions(database.pool)).toBe(0);
    await db.query('commit');
  });

  it.each(['read committed', 'repeatable read', 'serializable'])(
    'by a %s commit as the last resort, when no relay has',
    async (level) => {
      await moveTo(2 * size - 1024);
      const writer = await database.connect();
      await writer.query(`begin isolation level ${level}`);
      await insertEvent(writer, 'x');
      await writer.query('commit');
      const { rows } = await db.query('select max(to_position) > $1 as ahead from commitcast.partition', [
        3 * size,
      ]);
      expect(rows).toEqual([{ ahead: true }]);
    },
  );

  it('and a commit whose snapshot does not see those that others have made since is not hurt', async () => {
    await moveTo(2 * size - 1024);
    const writer = await database.connect();
    await writer.query('begin isolation level repeatable read');
    await insertEvent(writer, 'x');
    expect(await makePartitions(db)).toBeGreaterThan(0);
    await writer.query('commit');
    expect(await typesInLog(db)).toEqual(['x']);
  });
});

describe('old partitions are dropped', () => {
  beforeEach(async () => {
    await insertEvent(db, 'old');
    await moveTo(size + 1);
    await insertEvent(db, 'new');
    await published(size + 1);
  });

  it('after the floor was raised; a page that is read then tells it', async () => {
    expect(await dropPartitionsBelow(db, size + 1)).toEqual(['log_1']);
    expect(await typesInLog(db)).toEqual(['new']);
    const range = { org: 'acme', subscriptions: [{}], after: 0, upTo: size + 1, limit: 10 };
    const page = await readRooms(db, range);
    expect([page.floor, page.events.map(eventOf)]).toMatchObject([size + 1, [{ type: 'new' }]]);
  });

  it('only when they lie wholly below the position, and are published', async () => {
    expect(await dropPartitionsBelow(db, size)).toEqual([]);
    expect(await floor()).toBe(1);
    await published(0);
    expect(await dropPartitionsBelow(db, 2 * size + 1)).toEqual([]);
    await database.pool.query('update commitcast.relay set published = $1', [size]);
    expect(await dropPartitionsBelow(db, 2 * size + 1)).toEqual(['log_1']);
    expect(await floor()).toBe(size + 1);
  });

  it('with a reader open for long: the drop waits for it, commits do not, and it misses nothing', async () => {
    const reader = await openReader();
    const dropped = dropPartitionsBelow(db, size + 1);
    await untilBlocked(database, db);
    expect(await floor()).toBe(size + 1);
    await commitWithoutWaiting('meanwhile');
    expect(await typesInLog(reader)).toEqual(['old', 'new']);
    await reader.query('commit');
    expect(await dropped).toEqual(['log_1']);
    expect(await typesInLog(database.pool)).toEqual(['new', 'meanwhile']);
  });

  it('also when a detach was cut off: the next call finishes it', async () => {
    const reader = await openReader();
    const cut = dropPartitionsBelow(db, size + 1);
    cut.catch(() => undefined);
    await untilBlocked(database, db);
    await database.pool.query('select pg_cancel_backend($1)', [pidOf(db)]);
    await expect(cut).rejects.toMatchObject({ code: '57014' });
    expect((await partitions())[0]).toEqual({ name: 'log_1', detaching: true });
    await commitWithoutWaiting('meanwhile');
    await reader.query('commit');
    expect(await dropPartitionsBelow(db, size + 1)).toEqual(['log_1']);
    expect((await partitions()).some(({ detaching }) => detaching)).toBe(false);
    expect(await typesInLog(db)).toEqual(['new', 'meanwhile']);
  });

  it('also when a crash came between the detach and the drop', async () => {
    await db.query('alter table commitcast.log detach partition commitcast.log_1 concurrently');
    await db.query(`select commitcast.raise_floor($1)`, [size + 1]);
    expect(await dropPartitionsBelow(db, size + 1)).toEqual(['log_1']);
    const { rows } = await db.query(`select to_regclass('commitcast.log_1') as left_over`);
    expect(rows).toEqual([{ left_over: null }]);
  });
});

it('P5: making partitions leaves it to the next caller while a REINDEX holds the log, so that no commit fails for it', async () => {
  const database = await createDatabase();
  await append(database.pool, { org: 'acme', type: 'x', data: null });
  const reindexing = await database.connect();
  await reindexing.query('begin; reindex table commitcast.log_1');
  const { rows } = await database.pool.query('select commitcast.make_partitions() as made');
  expect(rows).toEqual([{ made: 0 }]);
  await reindexing.query('rollback');
});
