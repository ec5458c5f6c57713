import { drizzle } from 'drizzle-orm/node-postgres';
import { beforeAll, expect, it } from 'vitest';
import { projectionCursor } from '../../src/consumer/projection-cursor.ts';
import { register } from '../../src/consumer/register.ts';
import { parseCursor } from '../../src/core/cursor.ts';
import { append } from '../../src/log/append.ts';
import { openEpoch } from '../../src/log/epoch.ts';
import { readHead } from '../../src/log/head.ts';
import { readPage } from '../../src/log/read-page.ts';
import { createDatabase } from '../support/database.ts';

const partitions = 5;
const orgs = Array.from({ length: 20 }, (_, n) => `org-${n}`);
const database = await createDatabase();
const { pool } = database;

beforeAll(async () => {
  const registration = { scope: undefined, types: undefined, rebuildable: false, after: 0 };
  await register(pool, { name: 'totals', partitions, ...registration });
  await register(pool, { name: 'others', partitions: 1, ...registration });
  // Every partition is somewhere else.
  await pool.query('update commitcast.consumer_partition set position = 1000 + partition where name = $1', [
    'totals',
  ]);
  await append(
    pool,
    orgs.map((org) => ({ org, type: 'note', data: 1 })),
  );
});

const positionOf = async (org?: string) =>
  parseCursor(await projectionCursor(pool, 'totals', { org })).position;

it('is that of the partition that is behind, in the epoch in force', async () => {
  expect(await projectionCursor(pool, 'totals')).toBe(`${(await readHead(pool)).epoch}-1000`);
  expect(await projectionCursor(pool, 'others')).toMatch(/-0$/);
});

it('is, for an org, that of the partition that its events are in', async () => {
  const { last } = await readHead(pool);
  const found: Record<string, number> = {};
  for (let index = 0; index < partitions; index++) {
    const partition = { index, count: partitions };
    const { entries } = await readPage(pool, { after: 0, upTo: last, limit: 100, partition });
    for (const { event } of entries) found[event.org] = 1000 + index;
  }
  expect(Object.keys(found).length).toBe(orgs.length);
  for (const org of orgs) expect(await positionOf(org)).toBe(found[org]);
});

it('is of the same moment as what is read beside it in a REPEATABLE READ transaction', async () => {
  const read = await drizzle(pool).transaction(
    async (tx) => {
      const before = await projectionCursor(tx, 'others');
      await pool.query(`update commitcast.consumer_partition set position = 7 where name = 'others'`);
      return [before, await projectionCursor(tx, 'others')];
    },
    { isolationLevel: 'repeatable read' },
  );
  expect(read[0]).toBe(read[1]);
  expect(await projectionCursor(pool, 'others')).toMatch(/-7$/);
});

it('says that a consumer is not known', async () => {
  await expect(projectionCursor(pool, 'nobody')).rejects.toMatchObject({ code: 'CONSUMER_UNKNOWN' });
});

it('is refused while the epoch of the database’s history is not open', async () => {
  await pool.query('update commitcast.epoch set timeline = timeline + 1');
  await expect(projectionCursor(pool, 'totals')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await openEpoch(pool);
  expect(await projectionCursor(pool, 'totals')).toBe(`${(await readHead(pool)).epoch}-1000`);
});
