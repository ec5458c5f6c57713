import type { Pool } from 'pg';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { forgetKeys } from '../../src/log/forget-keys.ts';
import { once } from '../../src/log/once.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';

const dayMs = 24 * 3_600_000;
const event = { org: 'acme', type: 'order.paid', data: null };

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createDatabase();
  pool = database.pool;
});

beforeEach(() => pool.query('truncate commitcast.inbox, commitcast.append_key'));

/** Makes all keys that are there older by so many days. */
async function age(days: number): Promise<void> {
  for (const table of ['inbox', 'append_key'])
    await pool.query(`update commitcast.${table} set at = at - make_interval(days => $1)`, [days]);
}

async function known(): Promise<string[]> {
  const { rows } = await pool.query<{ key: string }>(
    'select key from commitcast.inbox union all select key from commitcast.append_key order by key',
  );
  return rows.map(({ key }) => key);
}

it('forgets the keys of append and of once that are older, and no other', async () => {
  await once(pool, 'once old');
  const ids = await append(pool, event, { key: 'append old' });
  await age(2);
  await once(pool, 'once young');
  await append(pool, event, { key: 'append young' });

  expect(await forgetKeys(pool, 3 * dayMs)).toBe(true);
  expect(await known()).toEqual(['append old', 'append young', 'once old', 'once young']);
  expect(await append(pool, event, { key: 'append old' })).toEqual(ids);

  expect(await forgetKeys(pool, dayMs)).toBe(true);
  expect(await known()).toEqual(['append young', 'once young']);
  expect(await once(pool, 'once old')).toBe(true);
  expect(await append(pool, event, { key: 'append old' })).not.toEqual(ids);
});

it('forgets the oldest of many first, and says whether there may be more', async () => {
  await pool.query(
    `insert into commitcast.inbox (key, at)
     select 'k' || n, now() - make_interval(days => 2, secs => n) from generate_series(1, 10001) n`,
  );
  expect(await forgetKeys(pool, dayMs)).toBe(false);
  expect(await known()).toEqual(['k1']);
  expect(await forgetKeys(pool, dayMs)).toBe(true);
  expect(await known()).toEqual([]);
});

it('does not wait for a key that somebody holds, and forgets the others', async () => {
  await once(pool, 'held');
  await once(pool, 'free');
  await age(2);
  const holder = await database.connect();
  await holder.query(`begin; select from commitcast.inbox where key = 'held' for update`);
  expect(await forgetKeys(pool, dayMs)).toBe(true);
  expect(await known()).toEqual(['held']);
  await holder.query('rollback');
});

describe('a server that leads', () => {
  it('forgets keys past their retention soon after its start, and goes on', async () => {
    await once(pool, 'before');
    await age(2);
    await startServer(database, { keyRetention: '1d' });
    await until(async () => (await known()).length === 0, { message: 'the old key to be forgotten' });
  });

  it('looks again after a tenth of a short retention', async () => {
    await once(pool, 'first');
    await startServer(database, { keyRetention: 500 });
    await until(async () => (await known()).length === 0, { message: 'the first key to be forgotten' });
    await once(pool, 'second');
    await until(async () => (await known()).length === 0, { message: 'the second key to be forgotten' });
  });

  it('as a member of commitcast_relay may do it', async () => {
    await once(pool, 'before');
    await age(40);
    const databaseUrl = await database.urlAsMemberOf('commitcast_relay');
    await startServer(database, { databaseUrl, migrate: false });
    await until(async () => (await known()).length === 0, { message: 'the old key to be forgotten' });
  });

  it('keeps them for ever when told so', async () => {
    await once(pool, 'old');
    await age(400);
    await startServer(database, { keyRetention: 'forever' });
    await append(pool, event);
    // The outbox is emptied in the same round, before keys are looked for; two rounds are enough.
    for (let round = 0; round < 2; round += 1) {
      await append(pool, event);
      await until(async () => {
        const { rows } = await pool.query<{ left: number }>(
          'select count(*)::int as left from commitcast.outbox',
        );
        return rows[0]?.left === 0;
      });
    }
    expect(await known()).toEqual(['old']);
  });
});
