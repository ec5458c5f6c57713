import type { Client } from 'pg';
import { beforeEach, describe, expect, it } from 'vitest';
import { SettledReader } from '../../src/log/settled-reader.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createGate, type Gate } from '../support/gate.ts';
import { insertEvent, pidOf, typesInLog } from '../support/transactions.ts';

let database: TestDatabase;
let gate: Gate;
let db: Client;
let now: number;
let reader: SettledReader;

beforeEach(async () => {
  database = await createDatabase();
  gate = await createGate(database);
  db = await database.connect();
  now = 0;
  reader = new SettledReader(0, () => now);
});

/** One read now, and one after each of the given times. */
async function advance(...milliseconds: number[]): Promise<number> {
  await reader.advance(db);
  for (const ms of milliseconds) {
    now += ms;
    await reader.advance(db);
  }
  return reader.head;
}

const commit = (type = 'plain') => insertEvent(database.pool, type);

/** A position that was given to a commit that failed in its last instant. */
async function loseOnePosition() {
  await expect(commit('fails')).rejects.toThrow('failed in its last instant');
}

describe('a settled reader', () => {
  it('follows the log while nothing is missing', async () => {
    expect(await advance()).toBe(0);
    await commit();
    await commit();
    expect(await advance()).toBe(2);
    expect(reader.waiting).toBe(false);
  });

  it('waits for a commit in flight, however long it takes, publishes nothing beyond, and says who it is', async () => {
    await commit();
    await gate.close();
    const held = await gate.commitHeld();
    await commit();
    expect(await advance(11, 11, 3_600_000, 11)).toBe(1);
    expect(reader.waiting).toBe(true);
    expect(reader.waitingFor).toMatchObject([
      {
        pid: pidOf(held.client),
        applicationName: 'commitcast-test-support',
        ageMs: expect.any(Number) as number,
      },
    ]);
    await gate.open();
    await held.done;
    expect(await advance()).toBe(3);
    expect(reader.waitingFor).toEqual([]);
    expect(await typesInLog(db)).toEqual(['plain', 'held', 'plain']);
  });

  it('leaves a young gap alone: it asks for no holders before 10 ms', async () => {
    await loseOnePosition();
    await commit();
    expect(await advance(9)).toBe(0);
    expect(reader.waitingFor).toEqual([]);
  });

  it('passes a dead position at once when nobody can hold it', async () => {
    await loseOnePosition();
    await commit();
    expect(await advance(11)).toBe(2);
    expect(reader.waiting).toBe(false);
  });

  it('passes positions that were skipped: by a crash, or by nextval and rollback', async () => {
    await database.pool.query(`select setval('commitcast.position', 33)`);
    await commit();
    expect(await advance(11)).toBe(34);
  });

  it('passes a dead position when all who might have held it are gone; who came later does not delay it', async () => {
    await gate.close();
    const suspect = await gate.commitHeld('held.fails');
    await commit();
    expect(await advance(11)).toBe(0);
    const later = await gate.commitHeld();
    await gate.open();
    await expect(suspect.done).rejects.toThrow('failed');
    await later.done;
    await gate.close();
    await gate.commitHeld();
    expect(await advance(1)).toBe(3);
  });

  it('waits for the first of several gaps, then for the next', async () => {
    await gate.close();
    const first = await gate.commitHeld('held.fails');
    await commit();
    const second = await gate.commitHeld();
    await commit();
    expect(await advance(11)).toBe(0);
    await gate.open();
    await expect(first.done).rejects.toThrow('failed');
    await second.done;
    expect(await advance(11)).toBe(4);
  });

  it('does not take a later holder of the same backend for the one it waits for', async () => {
    const writer = await database.connect();
    await writer.query('begin');
    await writer.query('select pg_advisory_xact_lock_shared(1668246893, 1)');
    await loseOnePosition();
    await commit();
    expect(await advance(11, 11)).toBe(0);
    await writer.query('commit');
    await writer.query('begin');
    await writer.query('select pg_advisory_xact_lock_shared(1668246893, 1)');
    expect(await advance()).toBe(2);
    await writer.query('rollback');
  });

  it('ignores the same lock in another database, in the one-key form, or under another key', async () => {
    const other = await createDatabase();
    const [elsewhere, oneKey, otherKey] = [
      await other.connect(),
      await database.connect(),
      await database.connect(),
    ];
    await elsewhere.query('select pg_advisory_lock_shared(1668246893, 1)');
    await oneKey.query('select pg_advisory_lock_shared((1668246893::bigint << 32) + 1)');
    await otherKey.query('select pg_advisory_lock_shared(1668246893, 2)');
    await loseOnePosition();
    await commit();
    expect(await advance(11)).toBe(2);
  });

  it('goes on over a backlog that is longer than one page', async () => {
    await database.pool.query(
      `insert into commitcast.outbox (org_id, type, data) select 'acme', 'many', '{}' from generate_series(1, 9000)`,
    );
    await loseOnePosition();
    await commit();
    expect(await advance()).toBe(5_000);
    expect(await advance(11)).toBe(9_002);
  });
});
