import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { isErased } from '../../src/core/erased.ts';
import type { Executor } from '../../src/db/executor.ts';
import { append } from '../../src/log/append.ts';
import { erase } from '../../src/log/erase.ts';
import { sweepErasures } from '../../src/log/sweep-erasures.ts';
import { createDatabase } from '../support/database.ts';
import { untilBlocked } from '../support/transactions.ts';
import { publish, readAudit, readEvents, readStates, saveState, writeSome } from './erasures.ts';

const database = await createDatabase();
const { pool } = database;
const one = await database.connect();
const other = await database.connect();
const note = (db: Executor, org: string, type: string, stream?: string) =>
  append(db, { org, type, data: { name: 'Jane' }, ...(stream === undefined ? {} : { stream }) });
/** What of the org is not erased, in order. */
const left = async (org: string) =>
  (await readEvents(pool, org)).filter(({ data }) => !isErased({ data })).map((event) => event['type']);

async function sweep(): Promise<void> {
  await publish(pool);
  expect(await sweepErasures(pool)).toBe(true);
}

it.each(['read committed', 'repeatable read'])(
  'what decides is the position: who commits before the %s erasure is swept, who commits after it stays',
  async (isolation) => {
    const [org, rival] = [randomUUID(), randomUUID()];
    await note(pool, org, 'old');
    // Two without a stream, which nothing makes wait.
    await one.query('begin');
    await note(one, org, 'commits first');
    await note(one, rival, 'commits first');
    await other.query('begin');
    await note(other, org, 'commits last');
    const eraser = await database.connect();
    await eraser.query(`begin isolation level ${isolation}`);
    await erase(eraser, { org });
    await one.query('commit');
    await eraser.query('commit');
    await other.query('commit');
    expect(await left(org)).toEqual(['commits first', 'commits last']);
    await sweep();
    expect(await left(org)).toEqual(['commits last']);
    expect(await left(rival)).toEqual(['commits first']);
    expect(await readAudit(pool, org)).toMatchObject([{ events: '2' }]);
    await note(pool, org, 'later');
    await sweep();
    expect(await left(org)).toEqual(['commits last', 'later']);
    await eraser.end();
  },
);

it('nothing is swept before all positions below the erasure are settled', async () => {
  const org = randomUUID();
  await one.query('begin');
  await note(one, org, 'own');
  await erase(one, { org });
  await one.query('commit');
  await pool.query(
    `update commitcast.relay set published =
       (select position - 1 from commitcast.log where org_id = $1 and control)`,
    [org],
  );
  expect(await sweepErasures(pool)).toBe(false);
  expect(await left(org)).toEqual(['own']);
  expect(await readAudit(pool, org)).toMatchObject([{ swept_at: null }]);
  await sweep();
  expect(await left(org)).toEqual([]);
});

it('P5: a sweep that meets a stream in use waits a moment only, completes the others, and comes back', async () => {
  const [busy, idle] = [randomUUID(), randomUUID()];
  for (const org of [busy, idle]) {
    await other.query('begin');
    await note(other, org, 'own', 's');
    await erase(other, { org });
    await other.query('commit');
  }
  await one.query('begin');
  await note(one, busy, 'in a long transaction', 's');
  await publish(pool);
  expect(await sweepErasures(pool)).toBe(false);
  expect([await left(busy), await left(idle)]).toEqual([['own'], []]);
  await one.query('commit');
  await sweep();
  expect(await left(busy)).toEqual(['in a long transaction']);
});

it('saved states of what is erased are gone, and nobody saves one that was folded before', async () => {
  const org = randomUUID();
  await writeSome(pool, org);
  await saveState(pool, org, 's1');
  await saveState(pool, org, 's2');
  await erase(pool, { org, stream: 's1' });
  expect(await readStates(pool, org)).toEqual(['s2']);
  expect(await saveState(pool, org, 's1')).toBe(false);
  expect(await saveState(pool, org, 's1', { erasures: 1 })).toBe(true);
  expect(await saveState(pool, org, 's2', { version: 2 })).toBe(true);
  await erase(pool, { org });
  expect(await readStates(pool, org)).toEqual([]);
  expect(await saveState(pool, org, 's2', { version: 3 })).toBe(false);
});

it('a state that is being saved while the erasure begins is seen by it, and one that comes later is refused', async () => {
  const org = randomUUID();
  await writeSome(pool, org);
  await one.query('begin');
  expect(await saveState(one, org, 's1')).toBe(true);
  const erasing = erase(other, { org, stream: 's1' });
  await untilBlocked(database, other);
  await one.query('commit');
  await erasing;
  expect(await readStates(pool, org)).toEqual([]);

  await other.query('begin');
  await erase(other, { org, stream: 's2' });
  // It does not wait: a state is a cache.
  expect(await saveState(one, org, 's2')).toBe(false);
  await other.query('commit');
  expect(await readStates(pool, org)).toEqual([]);
});

it('a state that was folded from what the erasure did not see yet does not outlive its completion', async () => {
  const org = randomUUID();
  // Its stream is new: there is no row yet that the erasure could lock.
  await one.query('begin');
  await note(one, org, 'new stream', 's');
  await other.query('begin');
  await erase(other, { org });
  await one.query('commit');
  await other.query('commit');
  expect(await saveState(pool, org, 's')).toBe(true);
  await sweep();
  expect(await left(org)).toEqual([]);
  expect(await readStates(pool, org)).toEqual([]);
  expect(await saveState(pool, org, 's')).toBe(false);
  expect(await saveState(pool, org, 's', { erasures: 1 })).toBe(true);
});

it('a state that a repeatable read erasure could not see is gone when it is complete', async () => {
  const org = randomUUID();
  await writeSome(pool, org);
  await one.query('begin isolation level repeatable read');
  await one.query('select from commitcast.log');
  expect(await saveState(pool, org, 's1')).toBe(true);
  await erase(one, { org, stream: 's1' });
  await one.query('commit');
  await sweep();
  expect(await readStates(pool, org)).toEqual([]);
});

it('two erasures at once, of the org and of a stream of it, wait for each other and both are kept', async () => {
  const org = randomUUID();
  await writeSome(pool, org);
  await one.query('begin');
  await erase(one, { org, stream: 's1' });
  const whole = erase(other, { org });
  await untilBlocked(database, other);
  await one.query('commit');
  const id = await whole;
  await sweep();
  expect(
    (await readEvents(pool, org)).every(({ data }) => (data as { $erased: string }).$erased === id),
  ).toBe(true);
  expect(await readAudit(pool, org)).toMatchObject([{ stream: 's1', events: '4' }, { events: '12' }]);
});
