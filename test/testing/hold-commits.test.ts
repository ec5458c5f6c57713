import { expect, it, onTestFinished } from 'vitest';
import { holdCommits, type HoldOptions } from '../../src/testing/hold-commits.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { watchLeaks } from '../support/leaks.ts';
import { insertEvent, typesInLog } from '../support/transactions.ts';
import { until } from '../support/until.ts';

async function holding(options?: HoldOptions) {
  const database = await createDatabase();
  const expectNoLeaks = await watchLeaks(database);
  const hold = await holdCommits(database.url, options);
  onTestFinished(async () => {
    await hold.close();
    await expectNoLeaks();
  });
  return { database, hold };
}

/** What the hold makes in a database. */
async function leftovers({ pool }: TestDatabase) {
  const { rows } = await pool.query(
    `select nspname as name from pg_namespace where nspname like 'commitcast_hold%'
     union all select tgname from pg_trigger where tgname like 'commitcast_hold%'`,
  );
  return rows;
}

it('holds commits when they have their positions, until they are released; and again', async () => {
  const { database, hold } = await holding();
  const first = insertEvent(database.pool, 'first');
  await hold.reached();
  const second = insertEvent(database.pool, 'second');
  await hold.reached(2);
  expect(await typesInLog(database.pool)).toEqual([]);
  // Their positions are given: the next is the third.
  const { rows } = await database.pool.query('select last_value::int as last from commitcast.position');
  expect(rows).toEqual([{ last: 2 }]);

  await hold.release();
  await Promise.all([first, second]);
  expect(await hold.waiting()).toBe(0);
  await insertEvent(database.pool, 'third');
  expect(await typesInLog(database.pool)).toEqual(['first', 'second', 'third']);

  await hold.hold();
  const fourth = insertEvent(database.pool, 'fourth');
  await hold.reached();
  await hold.release();
  await fourth;
});

it('holds only the types that it is told to', async () => {
  const { database, hold } = await holding({ type: "o'rder.%" });
  const held = insertEvent(database.pool, "o'rder.placed");
  await hold.reached();
  await insertEvent(database.pool, 'other');
  expect(await typesInLog(database.pool)).toEqual(['other']);
  await hold.close();
  await held;
});

it('failing: such a commit fails in its last instant, and its position is dead', async () => {
  const { database, hold } = await holding({ failing: 'bad' });
  await hold.release();
  await expect(insertEvent(database.pool, 'bad')).rejects.toThrow('failed in its last instant');
  await insertEvent(database.pool, 'good');
  const { rows } = await database.pool.query('select position::int from commitcast.log');
  expect(rows).toEqual([{ position: 2 }]);
});

it('close: lets all go and leaves nothing in the database, also after its connection was lost', async () => {
  const { database, hold } = await holding();
  expect(await leftovers(database)).not.toEqual([]);
  const held = insertEvent(database.pool, 'held');
  await hold.reached();
  await Promise.all([hold.close(), hold.close()]);
  await held;
  expect(await leftovers(database)).toEqual([]);

  const other = await holdCommits(database.url);
  await database.pool.query(
    `select pg_terminate_backend(pid, 10000) from pg_stat_activity
     where application_name = 'commitcast-testing' and datname = current_database()`,
  );
  await insertEvent(database.pool, 'free');
  await other.close();
  expect(await leftovers(database)).toEqual([]);
});

it('waits with dropping for whoever reads the log, without holding up others for long', async () => {
  const { database, hold } = await holding();
  const reader = await database.connect();
  await reader.query('begin; select count(*) from commitcast.log');
  const closed = hold.close();
  // Its attempts, by when they began: it waits, gives way, and waits again.
  const attempts = new Set<number>();
  await until(async () => {
    const { rows } = await database.pool.query<{ began: number }>(
      `select extract(epoch from query_start)::float8 as began from pg_stat_activity
       where application_name = 'commitcast-testing' and wait_event_type = 'Lock'
         and datname = current_database()`,
    );
    for (const { began } of rows) attempts.add(began);
    return attempts.size === 2;
  });
  await insertEvent(database.pool, 'meanwhile');
  await reader.query('commit');
  await closed;
  expect(await leftovers(database)).toEqual([]);
});

it('says what it waited for', async () => {
  const { hold } = await holding();
  await expect(hold.reached(1, { timeoutMs: 20 })).rejects.toThrow(
    'waited 20 ms for 1 commits at the hold; there are 0',
  );
});
