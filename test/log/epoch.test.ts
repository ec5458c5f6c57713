import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { openEpoch, readEpochEnd } from '../../src/log/epoch.ts';
import { saveRelayState } from '../../src/log/relay-state.ts';
import { administer, supportName, urlOfDatabase } from '../support/administer.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { insertEvent } from '../support/transactions.ts';

const countOf = async ({ pool }: Pick<TestDatabase, 'pool'>) => {
  const { rows } = await pool.query<{ count: number }>('select count(*)::int as count from commitcast.epoch');
  return rows[0]?.count;
};

/** A copy, on which nobody has opened an epoch. Nobody may be connected to the original. */
async function copyOf(original: string): Promise<string> {
  const server = inject('postgres').url;
  const name = `commitcast_test_${randomBytes(6).toString('hex')}`;
  await administer(server, `create database ${name} template ${new URL(original).pathname.slice(1)}`);
  onTestFinished(() => administer(server, `drop database ${name} with (force)`));
  return urlOfDatabase(server, name);
}

async function connectTo(url: string): Promise<Client> {
  const client = new Client({ connectionString: url, application_name: supportName });
  await client.connect();
  client.on('error', () => undefined);
  onTestFinished(() => client.end());
  return client;
}

async function insertEvents(db: Client, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await insertEvent(db, 'changed');
}

const force = async (db: Client) => {
  const { rows } = await db.query<{ epoch: string }>('select commitcast.open_epoch(true) as epoch');
  return rows[0]?.epoch ?? '';
};

describe('open_epoch()', () => {
  it('opens none while the database is the one that it was, whoever asks, however often', async () => {
    const database = await createDatabase();
    const before = await countOf(database);
    const epochs = new Set<string>();
    for (let n = 0; n < 3; n++) epochs.add(await openEpoch(database.pool));
    expect(epochs.size).toBe(1);
    expect(await countOf(database)).toBe(before);
  });

  it('opens one when twenty ask at once, and tells it to all of them', async () => {
    const { url } = await createDatabase();
    const copy = await copyOf(url);
    const first = await connectTo(copy);
    const others = await Promise.all(Array.from({ length: 19 }, () => connectTo(copy)));
    const before = (await first.query('select epoch from commitcast.epoch')).rows as { epoch: string }[];
    const opened = await Promise.all([first, ...others].map((client) => openEpoch(client)));
    expect(new Set(opened).size).toBe(1);
    expect(opened[0]).toMatch(/^[a-z2-7]{8}$/);
    const after = (await first.query('select epoch from commitcast.epoch order by ordinal')).rows;
    expect(after).toEqual([...before, { epoch: opened[0] }]);
  });

  it('may be called by the relay role, and by no other of ours', async () => {
    const database = await createDatabase();
    const relay = await database.connect(await database.urlAsMemberOf('commitcast_relay'));
    const epoch = await openEpoch(relay);
    const forced = await force(relay);
    expect(forced).not.toBe(epoch);
    expect(await openEpoch(database.pool)).toBe(forced);
    for (const role of ['commitcast_writer', 'commitcast_reader']) {
      const other = await database.connect(await database.urlAsMemberOf(role));
      await expect(openEpoch(other), role).rejects.toMatchObject({ code: '42501' });
    }
  });
});

describe('the end of an epoch', () => {
  it('is none for the one in force, and unknown for one that was never here', async () => {
    const database = await createDatabase();
    expect(await readEpochEnd(database.pool, await openEpoch(database.pool))).toBe(Infinity);
    expect(await readEpochEnd(database.pool, 'aaaaaaaa')).toBeUndefined();
  });

  it('is that of the last event before another one is forced; positions that died before it count as little as later events', async () => {
    const database = await createDatabase();
    const db = await database.connect();
    await insertEvents(db, 3);
    await db.query(`select setval('commitcast.position', 20)`);
    const before = await openEpoch(db);
    const after = await force(db);
    await insertEvents(db, 3);
    expect(await readEpochEnd(db, before)).toBe(3);
    expect(await readEpochEnd(db, after)).toBe(Infinity);
  });

  it('three in a row: each ends where the next began, an empty one where it began itself', async () => {
    const database = await createDatabase();
    const db = await database.connect();
    const epochs = [await openEpoch(db)];
    for (const count of [4, 0, 2]) {
      await insertEvents(db, count);
      epochs.push(await force(db));
    }
    const ends = await Promise.all(epochs.map((epoch) => readEpochEnd(database.pool, epoch)));
    expect(ends).toEqual([4, 4, 6, Infinity]);
  });

  it('is exact however late it is asked for: what a restored copy has written itself is not of the old epoch', async () => {
    const database = await createDatabase();
    const db = await connectTo(database.url);
    const before = await openEpoch(db);
    await insertEvents(db, 5);
    await db.end();
    // As a restore from a dump: the rows keep the stamp of the log that they were written to, which is another one.
    const copy = await connectTo(await copyOf(database.url));
    await copy.query(`
      alter table commitcast.log disable trigger append_only;
      alter table commitcast.log_1 disable trigger all;
      update commitcast.log set log_oid = 1;
      update commitcast.epoch set log_oid = 1 where epoch = '${before}'`);
    await insertEvents(copy, 7);
    await openEpoch(copy);
    expect(await readEpochEnd(copy, before)).toBe(5);
  });

  it('is what was published, at most, in a copy whose log has the oid of the original: later rows look the same', async () => {
    const database = await createDatabase();
    const db = await connectTo(database.url);
    const before = await openEpoch(db);
    await insertEvents(db, 5);
    await saveRelayState(db, { leader: 'test', published: 5 });
    await insertEvents(db, 1);
    await db.end();
    const copy = await connectTo(await copyOf(database.url));
    await insertEvents(copy, 7);
    await openEpoch(copy);
    // Lower than it was, so that somebody may hear `reset` in vain; never higher, so that nobody misses anything.
    expect(await readEpochEnd(copy, before)).toBe(5);
  });
});
