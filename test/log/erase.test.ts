import { randomUUID } from 'node:crypto';
import { drizzle } from 'drizzle-orm/node-postgres';
import { expect, it } from 'vitest';
import { isErased } from '../../src/core/erased.ts';
import type { Executor } from '../../src/db/executor.ts';
import { append } from '../../src/log/append.ts';
import { erase, type Erasure } from '../../src/log/erase.ts';
import { sweepErasures } from '../../src/log/sweep-erasures.ts';
import { createDatabase } from '../support/database.ts';
import { untilBlocked } from '../support/transactions.ts';
import { publish, readAudit, readEvents, saveState, writeSome } from './erasures.ts';

const database = await createDatabase();
const { pool } = database;
const one = await database.connect();
const other = await database.connect();
const note = (db: Executor, org: string, stream?: string) =>
  append(db, {
    org,
    type: 'note',
    data: { name: 'Jane' },
    meta: { by: 'kim' },
    ...(stream ? { stream } : {}),
  });

type Way = (erasure: Erasure, end: 'commit' | 'rollback') => Promise<string>;
const ways: Record<string, Way> = {
  'a drizzle transaction': async (erasure, end) => {
    let id = '';
    const work = drizzle(one).transaction(async (tx) => {
      id = await erase(tx, erasure);
      if (end === 'rollback') tx.rollback();
    });
    await work.catch((error: unknown) => {
      if (end !== 'rollback') throw error;
    });
    return id;
  },
  'plain SQL': async ({ org, stream = null, reason = null }, end) => {
    await one.query('begin');
    const { rows } = await one.query<{ id: string }>('select commitcast.erase($1, $2, $3) as id', [
      org,
      stream,
      reason,
    ]);
    await one.query(end);
    return rows[0]?.id ?? '';
  },
};

it.each(Object.entries(ways))(
  'P4: through %s, exactly the data and meta of the stream, or of the org, are gone; nothing else of any event changes',
  async (_, way) => {
    const [org, rival] = [randomUUID(), randomUUID()];
    await writeSome(pool, org);
    await writeSome(pool, rival);
    const before = await readEvents(pool, org);
    const rivals = await readEvents(pool, rival);
    const erased = (id: string, isHit: (stream: unknown) => boolean) =>
      before.map((row) => (isHit(row['stream']) ? { ...row, data: { $erased: id }, meta: null } : row));

    const first = await way({ org, stream: 's1', reason: 'asked' }, 'commit');
    const ofStream = erased(first, (stream) => stream === 's1');
    expect(await readEvents(pool, org)).toEqual(ofStream);
    expect(ofStream.filter(({ data }) => isErased({ data })).length).toBe(4);

    const second = await way({ org }, 'commit');
    expect(await readEvents(pool, org)).toEqual(erased(second, () => true));
    expect(await readEvents(pool, rival)).toEqual(rivals);
  },
);

it.each(Object.entries(ways))('P1: through %s, a rollback leaves everything as it was', async (_, way) => {
  const org = randomUUID();
  await writeSome(pool, org);
  await saveState(pool, org, 's1');
  const before = await readEvents(pool, org);
  const id = await way({ org }, 'rollback');
  expect(id).not.toBe('');
  expect(await readEvents(pool, org)).toEqual(before);
  expect(await readAudit(pool, org)).toEqual([]);
  expect(await saveState(pool, org, 's1', { erasures: 0, version: 4 })).toBe(true);
});

it('the audit says who erased what, when, why, where in the order, and how much; the control event says so, too', async () => {
  const org = randomUUID();
  await writeSome(pool, org);
  const user = (await pool.query<{ name: string }>('select session_user as name')).rows[0]?.name;
  const id = await erase(pool, { org, stream: 's1', reason: 'ticket 4711' });
  const { rows } = await pool.query<Record<string, unknown>>(
    'select position, type, data, control, stream, version from commitcast.log where id = $1',
    [id],
  );
  expect(rows).toEqual([
    {
      position: expect.any(String) as string,
      type: 'commitcast.erased',
      data: { stream: 's1', reason: 'ticket 4711', by: user },
      control: true,
      // It is none of the stream's events.
      stream: null,
      version: null,
    },
  ]);
  const [entry] = await readAudit(pool, org);
  expect(entry).toMatchObject({
    id,
    position: rows[0]?.['position'],
    stream: 's1',
    reason: 'ticket 4711',
    requested_by: user,
    events: '4',
    swept_at: null,
    open_in: null,
  });
  await publish(pool);
  expect(await sweepErasures(pool)).toBe(true);
  const [swept] = await readAudit(pool, org);
  expect(swept).toMatchObject({ events: '4', swept_at: expect.any(Date) as Date });
  const reader = await database.connect(await database.urlAsMemberOf('commitcast_reader'));
  expect(await readAudit(reader, org)).toEqual([swept]);
});

it('P2: an append to the stream waits for the erasure, or the erasure for it; what comes after it stays', async () => {
  const org = randomUUID();
  await note(pool, org, 's');
  await one.query('begin');
  await note(one, org, 's');
  const erasing = erase(other, { org, stream: 's' });
  await untilBlocked(database, other);
  await one.query('commit');
  const id = await erasing;
  expect((await readEvents(pool, org)).map(({ data }) => data)).toEqual([{ $erased: id }, { $erased: id }]);

  await other.query('begin');
  await erase(other, { org, stream: 's' });
  const appending = note(one, org, 's');
  await untilBlocked(database, one);
  await other.query('commit');
  await appending;
  const events = await readEvents(pool, org);
  expect(events.map((event) => [event['version'], isErased({ data: event.data })])).toEqual([
    ['1', true],
    ['2', true],
    ['3', false],
  ]);
});

it('events of the same transaction: those before the erasure go with it, those after it stay', async () => {
  const org = randomUUID();
  await one.query('begin');
  await note(one, org, 's');
  await note(one, org);
  await erase(one, { org });
  await note(one, org, 's');
  await note(one, org);
  await one.query('commit');
  const erased = async () => (await readEvents(pool, org)).map(({ data }) => isErased({ data }));
  expect(await sweepErasures(pool)).toBe(false);
  await publish(pool);
  expect(await sweepErasures(pool)).toBe(true);
  expect(await erased()).toEqual([true, true, false, false]);
  expect(await readAudit(pool, org)).toMatchObject([{ events: '2' }]);
});

it('a savepoint that is rolled back takes its erasure with it, and no other', async () => {
  const org = randomUUID();
  await writeSome(pool, org);
  await one.query('begin');
  const kept = await erase(one, { org, stream: 's1' });
  await one.query('savepoint s');
  await erase(one, { org });
  await one.query('rollback to s; commit');
  expect((await readAudit(pool, org)).map(({ id }) => id)).toEqual([kept]);
  const events = await readEvents(pool, org);
  expect(events.every(({ data, stream }) => isErased({ data }) === (stream === 's1'))).toBe(true);
});

it('an older erasure that is completed late leaves the tombstones of a younger one', async () => {
  const org = randomUUID();
  await writeSome(pool, org);
  await erase(pool, { org });
  await publish(pool);
  const younger = await erase(pool, { org, stream: 's1' });
  await publish(pool);
  expect(await sweepErasures(pool)).toBe(true);
  const events = (await readEvents(pool, org)).filter(({ stream }) => stream === 's1');
  expect(events.map(({ data }) => data)).toEqual(events.map(() => ({ $erased: younger })));
});

it.each([
  [{ org: 'acme', stream: undefined }, 'stream has'],
  [{ org: 'acme', stream: '' }, 'stream has'],
  [{ org: 'acme', stream: null }, 'stream has'],
  [{ org: 'acme', steam: 's' }, 'unknown field "steam"'],
  [{ org: 'a:b' }, 'org has'],
  [{ org: undefined }, 'org has'],
  [{ org: 'acme', reason: 'r'.repeat(1_001) }, 'reason has'],
  [{ org: 'acme', reason: '\0' }, 'reason has'],
  [null, 'an erasure is an object'],
])('refuses what may be meant otherwise, and erases nothing: %j', async (erasure, message) => {
  const before = await readAudit(pool, 'acme');
  await expect(erase(pool, erasure as Erasure)).rejects.toMatchObject({
    code: 'EVENT_INVALID',
    message: expect.stringContaining(message) as string,
  });
  expect(await readAudit(pool, 'acme')).toEqual(before);
});

it.each([
  `commitcast.erase('a:b')`,
  `commitcast.erase(null)`,
  `commitcast.erase('acme', '')`,
  `commitcast.erase('acme', E'a\\nb')`,
  `commitcast.erase('acme', 's', repeat('r', 1001))`,
])('SQL refuses it, too: %s', async (call) => {
  await expect(pool.query(`select ${call}`)).rejects.toMatchObject({ code: 'CC001' });
});
