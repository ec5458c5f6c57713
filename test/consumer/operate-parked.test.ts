import { expect, it } from 'vitest';
import { askParked } from '../../src/consumer/operate.ts';
import { listParked } from '../../src/consumer/list-parked.ts';
import { until } from '../support/until.ts';
import { operate } from './operated.ts';

/** 1, 2 and 3 of acme, of which 1 fails until it is mended; 10 and 20 of rival, of which 10 fails. */
async function operateParked() {
  const bad = new Set([1, 10]);
  const operated = await operate({
    maxAttempts: 1,
    onPoison: 'park-org',
    before: ({ data }) => {
      if (bad.has(data as number)) throw new Error(`cannot do ${String(data)}`);
    },
  });
  const { database, write } = operated;
  await write([1, 2, 3], { stream: 's' });
  await write([10, 20], { org: 'rival' });
  await write([100], { org: 'third' });
  const parked = async () => (await listParked(database.pool, 'copy')).map(({ position }) => position);
  await until(async () => (await operated.copied()).includes(100));
  return { ...operated, bad, parked, ask: askParked.bind(undefined, database.pool, 'copy') };
}

it('what is parked is listed, with the error of the one that failed and the event as the log has it', async () => {
  const { database, partition } = await operateParked();
  expect(await listParked(database.pool, 'copy')).toMatchObject([
    {
      position: 1,
      org: 'acme',
      lane: 'acme',
      error: 'Error: cannot do 1',
      attempts: 1,
      type: 'note',
      stream: 's',
    },
    { position: 2, lane: 'acme', error: null, attempts: 0, asked: null, expired: false },
    { position: 3, lane: 'acme', error: null },
    { position: 4, lane: 'rival', error: 'Error: cannot do 10', stream: null },
    { position: 5, lane: 'rival', error: null },
  ]);
  expect(await partition()).toMatchObject({ parked: 5, lagPositions: 0 });
  await database.pool.query(
    'alter table commitcast.log disable trigger all; delete from commitcast.log where position = 1',
  );
  expect(await listParked(database.pool)).toMatchObject([
    { position: 1, expired: true, type: null },
    {},
    {},
    {},
    {},
  ]);
  expect(await listParked(database.pool, undefined, { limit: 2 })).toHaveLength(2);
  await expect(listParked(database.pool, 'nobody')).rejects.toMatchObject({ code: 'CONSUMER_UNKNOWN' });
});

it('retry begins at the first event of the lane, in order; other lanes stay parked', async () => {
  const { bad, ask, copied, parked, write } = await operateParked();
  bad.clear();
  expect(await ask('retry', { position: 3 })).toBe(1);
  await until(async () => (await parked()).length === 2);
  await write([4]);
  await until(async () => (await copied()).length === 5);
  expect(await copied()).toEqual([100, 1, 2, 3, 4]);
  expect(await parked()).toEqual([4, 5]);
});

it('retry of what fails again keeps the lane parked, with the error of then', async () => {
  const { database, bad, ask, copied, parked } = await operateParked();
  bad.delete(1);
  bad.add(2);
  expect(await ask('retry', { all: true })).toBe(2);
  await until(async () => {
    const [first, , third] = await listParked(database.pool, 'copy');
    return first?.position === 2 && first.attempts === 1 && third?.attempts === 2;
  });
  expect(await parked()).toEqual([2, 3, 4, 5]);
  expect(await listParked(database.pool, 'copy')).toMatchObject([
    { error: 'Error: cannot do 2', asked: null },
    { error: null },
    { error: 'Error: cannot do 10', asked: null },
    { error: null },
  ]);
  expect(await copied()).toEqual([100, 1]);
});

it('an event that waits behind another can be dropped alone; the partition goes on', async () => {
  const { ask, copied, parked, write } = await operateParked();
  expect(await ask('drop', { position: 2 })).toBe(1);
  await until(async () => !(await parked()).includes(2));
  await write([200], { org: 'third' });
  await until(async () => (await copied()).includes(200));
  expect(await parked()).toEqual([1, 3, 4, 5]);
});

it('a lane asked for behind the event that holds it does not hold the partition up', async () => {
  const { database, copied, heard, write } = await operateParked();
  await database.pool.query("update commitcast.parked set asked = 'retry' where position = 2");
  await heard();
  await write([200], { org: 'third' });
  await until(async () => (await copied()).includes(200));
});

it('drop of the one that failed lets what waited behind it be handled; drop of a lane drops it all', async () => {
  const { ask, copied, parked } = await operateParked();
  expect(await ask('drop', { position: 1 })).toBe(1);
  expect(await ask('drop', { lane: 'rival' })).toBe(2);
  await until(async () => (await parked()).length === 0);
  expect(await copied()).toEqual([100, 2, 3]);
  expect(await ask('drop', { all: true })).toBe(0);
});

it('of a consumer that is not there nothing is asked', async () => {
  const { database } = await operateParked();
  await expect(askParked(database.pool, 'nobody', 'drop', { all: true })).rejects.toMatchObject({
    code: 'CONSUMER_UNKNOWN',
  });
});
