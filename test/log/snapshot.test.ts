import { drizzle } from 'drizzle-orm/node-postgres';
import { sql } from 'drizzle-orm';
import { Pool } from 'pg';
import { beforeEach, describe, expect, expectTypeOf, it, onTestFinished } from 'vitest';
import type { PoolClient } from 'pg';
import { parseCursor } from '../../src/core/cursor.ts';
import { snapshot, type SnapshotOptions } from '../../src/log/snapshot.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createGate } from '../support/gate.ts';
import { insertEvent, pidOf } from '../support/transactions.ts';
import { until } from '../support/until.ts';

let database: TestDatabase;

beforeEach(async () => {
  database = await createDatabase();
});

/** A pool of the application's own. */
function openPool(max = 2, url = database.url): Pool {
  const pool = new Pool({ connectionString: url, max, application_name: 'application' });
  pool.on('error', () => undefined);
  onTestFinished(() => pool.end());
  return pool;
}

const commit = (type = 'plain') => insertEvent(database.pool, type);

/** The position of the cursor, and the types that the transaction sees. */
async function look(pool: Pool, options?: SnapshotOptions) {
  return snapshot(
    pool,
    async (tx, cursor) => {
      const { rows } = await tx.query<{ type: string }>('select type from commitcast.log order by position');
      return { at: parseCursor(cursor).position, types: rows.map(({ type }) => type) };
    },
    options,
  );
}

describe('a snapshot', () => {
  it('of an empty log stands at its beginning, in the epoch in force', async () => {
    const cursor = await snapshot(openPool(), (_tx, given) => given);
    const { rows } = await database.pool.query<{ epoch: string }>(
      'select epoch from commitcast.epoch order by ordinal desc limit 1',
    );
    expect(parseCursor(cursor)).toEqual({ epoch: rows[0]?.epoch, position: 0 });
  });

  it('is read-only, of one moment, and stands at the last event of that moment', async () => {
    const pool = openPool();
    await commit('before');
    await snapshot(pool, async (tx, cursor) => {
      await commit('meanwhile');
      expect((await tx.query('select type from commitcast.log')).rows).toEqual([{ type: 'before' }]);
      expect(parseCursor(cursor).position).toBe(1);
      await expect(tx.query('create table forbidden ()')).rejects.toThrow('read-only');
    });
  });

  it('of a drizzle database gives a drizzle transaction, and its type', async () => {
    await commit();
    const db = drizzle(openPool(1));
    const found = await snapshot(db, async (tx, cursor) => {
      expectTypeOf(tx).toHaveProperty('select');
      const { rows } = await tx.execute<{ isolation: string; only: string }>(
        sql`select current_setting('transaction_isolation') as isolation, current_setting('transaction_read_only') as only`,
      );
      return { ...rows[0], at: parseCursor(cursor).position };
    });
    expect(found).toEqual({ isolation: 'repeatable read', only: 'on', at: 1 });
  });

  it('of a pool of one connection needs no second one, also when the first transaction does not fit', async () => {
    const pool = openPool(1);
    await expectPatience(pool, () => look(pool));
  });

  it('waits for a commit in flight below what it would see, and then has it', async () => {
    const pool = openPool();
    await expectPatience(pool, () => look(pool));
  });

  it('waits so through drizzle, too', async () => {
    const pool = openPool(1);
    const db = drizzle(pool);
    await expectPatience(pool, () =>
      snapshot(db, async (tx, cursor) => {
        const { rows } = await tx.execute<{ type: string }>(
          sql`select type from commitcast.log order by position`,
        );
        return { at: parseCursor(cursor).position, types: rows.map(({ type }) => type) };
      }),
    );
  });

  it('does not wait for a commit in flight that nothing has overtaken', async () => {
    const gate = await createGate(database);
    await commit();
    await gate.close();
    const held = await gate.commitHeld();
    expect(await look(openPool())).toEqual({ at: 1, types: ['plain'] });
    await gate.open();
    await held.done;
  });

  it('passes dead positions, without a relay and however far behind', async () => {
    const gate = await createGate(database);
    await database.pool.query(
      `insert into commitcast.outbox (org_id, type, data) select 'acme', 'many', '{}' from generate_series(1, 9000)`,
    );
    await database.pool.query(
      `insert into commitcast.outbox (org_id, type, data) select 'acme', 'many', '{}' from generate_series(1, 9000)`,
    );
    await expect(commit('fails')).rejects.toThrow('failed in its last instant');
    await commit();
    const { at, types } = await look(openPool());
    expect([at, types.length]).toEqual([18_002, 18_001]);
    await gate.open();
  });

  it('says who holds it back when no transaction fits in time, and gives every connection back', async () => {
    const gate = await createGate(database);
    await gate.close();
    const held = await gate.commitHeld();
    await commit();
    const pool = openPool();
    await expect(look(pool, { timeoutMs: 200 })).rejects.toMatchObject({
      code: 'SNAPSHOT_UNSETTLED',
      message: expect.stringMatching(
        new RegExp(`pid ${pidOf(held.client)} \\(commitcast-test-support\\), for \\d+ ms`),
      ) as string,
    });
    await until(() => pool.idleCount === pool.totalCount);
    await gate.open();
    await held.done;
    expect(await look(pool)).toEqual({ at: 2, types: ['held', 'plain'] });
  });

  it('gives up when the signal aborts, also while it waits for a connection', async () => {
    const pool = openPool(1);
    const taken = await pool.connect();
    const reason = new Error('the client has gone');
    const over = new AbortController();
    const looking = look(pool, { signal: over.signal });
    over.abort(reason);
    await expect(looking).rejects.toBe(reason);
    await expect(look(pool, { signal: over.signal })).rejects.toBe(reason);
    await expect(look(pool, { timeoutMs: 20 })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    taken.release();
    await until(() => pool.idleCount === 1 && pool.waitingCount === 0);
    expect(await look(pool)).toEqual({ at: 0, types: [] });
  });

  it('ends in time when its first statement waits for a lock', async () => {
    const locker = await database.connect();
    await locker.query('begin; lock table commitcast.epoch in access exclusive mode');
    const pool = openPool();
    await expect(look(pool, { timeoutMs: 50 })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await locker.query('rollback');
    await until(() => pool.idleCount === pool.totalCount);
  });

  it('rolls back and rethrows when the work throws, and calls it once', async () => {
    const pool = openPool(1);
    const failure = new Error('of the application');
    let calls = 0;
    const failing = () => {
      calls++;
      throw failure;
    };
    await expect(snapshot(pool, failing)).rejects.toBe(failure);
    await expect(snapshot(drizzle(pool), failing)).rejects.toBe(failure);
    expect(calls).toBe(2);
    expect([pool.totalCount, pool.idleCount]).toEqual([1, 1]);
    // Nothing is left open on the one connection: it may write again.
    await pool.query('create table allowed ()');
  });

  it('drops a connection that is lost while the work is busy elsewhere, and the process lives on', async () => {
    const pool = openPool();
    await expect(
      snapshot(pool, async (tx: PoolClient) => {
        const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
        const lost = new Promise((resolve) => tx.once('end', resolve));
        await database.pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
        await lost;
      }),
    ).rejects.toThrow();
    expect(pool.idleCount).toBe(pool.totalCount);
    expect(await look(pool)).toEqual({ at: 0, types: [] });
  });

  it('needs the rights of commitcast_reader and no more', async () => {
    const gate = await createGate(database);
    await expect(commit('fails')).rejects.toThrow();
    await commit();
    const pool = openPool(1, await database.urlAsMemberOf('commitcast_reader'));
    expect(await look(pool)).toEqual({ at: 2, types: ['plain'] });
    await gate.open();
  });

  it('goes on in the epoch that is opened before it has begun; without one it says so', async () => {
    await commit();
    await database.pool.query('update commitcast.epoch set timeline = timeline + 1');
    await expect(look(openPool(), { timeoutMs: 100 })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const cursor = snapshot(openPool(), (_tx, given) => given);
    const { rows } = await database.pool.query<{ epoch: string }>('select commitcast.open_epoch() as epoch');
    expect(parseCursor(await cursor)).toEqual({ epoch: rows[0]?.epoch, position: 1 });
  });

  it('refuses what cannot open a transaction of its own', async () => {
    const client = await database.connect();
    const message = 'takes a drizzle database or a pg Pool';
    await expect(snapshot(client as unknown as Pool, () => 1)).rejects.toThrow(message);
    await expect(snapshot({} as Pool, () => 1)).rejects.toThrow(TypeError);
    await drizzle(client).transaction(async (tx) => {
      await expect(snapshot(tx, () => 1)).rejects.toThrow(message);
    });
    const db = drizzle(openPool());
    const careless: typeof db = Object.assign(Object.create(db), {
      transaction: (work: Parameters<typeof db.transaction>[0]) => db.transaction(work),
    });
    await expect(snapshot(careless, () => 1)).rejects.toThrow('not repeatable read');
    await expect(look(openPool(), { timeoutMs: 0 })).rejects.toThrow('timeoutMs');
  });
});

/** A commit is held, another overtakes it; the snapshot is not there before the first has ended, and then has both. */
async function expectPatience(pool: Pool, take: () => Promise<unknown>): Promise<void> {
  const gate = await createGate(database);
  await gate.close();
  const held = await gate.commitHeld();
  await commit();
  let connections = 0;
  pool.on('acquire', () => connections++);
  let there = false;
  const looking = take().finally(() => (there = true));
  await until(() => there || connections > 12, { message: 'some attempts to have failed' });
  expect(there).toBe(false);
  await gate.open();
  await held.done;
  expect(await looking).toEqual({ at: 2, types: ['held', 'plain'] });
}
