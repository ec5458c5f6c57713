import { expect, it } from 'vitest';
import {
  pauseConsumer,
  removeConsumer,
  requestRebuild,
  resumeConsumer,
  rewindConsumer,
} from '../../src/consumer/operate.ts';
import { listConsumers } from '../../src/consumer/list-consumers.ts';
import { createDatabase } from '../support/database.ts';
import { createGate as createCommitGate } from '../support/gate.ts';
import { until } from '../support/until.ts';
import { createGate, operate } from './operated.ts';

it('pause lets the batch in hand finish and stops; the lag grows until resume, then nothing is missing', async () => {
  const gate = createGate();
  const { database, write, copied, partition, heard } = await operate({
    before: (_event, signal) => gate.pass(signal),
  });
  await write([1]);
  await gate.reached;
  await pauseConsumer(database.pool, 'copy');
  await write([2, 3]);
  await heard();
  gate.open();
  await until(async () => (await copied()).length === 1);
  await heard();
  expect(await copied()).toEqual([1]);
  const standing = await partition();
  expect(standing).toMatchObject({ paused: true, position: 1, head: 3, lagPositions: 2, failed: false });
  await until(async () => ((await partition()).lagSeconds ?? 0) > (standing.lagSeconds ?? Infinity));

  await resumeConsumer(database.pool, 'copy');
  await until(async () => (await copied()).length === 3);
  expect(await copied()).toEqual([1, 2, 3]);
  await until(async () => (await partition()).lagPositions === 0);
  expect(await partition()).toMatchObject({ paused: false, position: 3, lagSeconds: null, alive: true });
});

it('rewind hands out again what came after the position; a batch in hand is rolled back', async () => {
  const gate = createGate();
  const { database, write, copied } = await operate({
    before: ({ data }, signal) => (data === 3 ? gate.pass(signal) : undefined),
  });
  await write([1, 2]);
  await until(async () => (await copied()).length === 2);
  await write([3, 4]);
  await gate.reached;
  expect(await copied()).toEqual([1, 2]);
  await rewindConsumer(database.pool, 'copy', 1);
  gate.open();
  await until(async () => (await copied()).length === 5);
  expect(await copied()).toEqual([1, 2, 2, 3, 4]);
});

it('rewind refuses a position that is not kept, not there, or not settled yet', async () => {
  const { database, write } = await operate();
  const { pool } = database;
  const gate = await createCommitGate(database);
  await write([1, 2]);
  await gate.close();
  const held = await gate.commitHeld();
  await write([4]);
  await expect(rewindConsumer(pool, 'copy', 4)).rejects.toMatchObject({ code: 'SNAPSHOT_UNSETTLED' });
  await expect(rewindConsumer(pool, 'copy', 5)).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
  await expect(rewindConsumer(pool, 'copy', -1)).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
  await gate.open();
  await held.done;
  await rewindConsumer(pool, 'copy', 4);
  await until(async () => {
    await pool.query('select commitcast.raise_floor(3)');
    const { rows } = await pool.query<{ floor: string }>('select floor from commitcast.relay');
    return rows[0]?.floor === '3';
  });
  await expect(rewindConsumer(pool, 'copy', 1)).rejects.toMatchObject({ code: 'HISTORY_EXPIRED' });
  await rewindConsumer(pool, 'copy', 2);
});

it('rebuild takes back what was written and does it again, while events keep coming', async () => {
  const { database, write, copied } = await operate({ batch: 7 });
  const { pool } = database;
  const data = Array.from({ length: 200 }, (_, index) => index);
  await write(data.slice(0, 100));
  await until(async () => (await copied()).length === 100);
  await pool.query('insert into copy (data) values (-1)');
  await requestRebuild(pool, 'copy');
  for (const each of data.slice(100)) await write([each]);
  await until(async () => {
    const all = await copied();
    return all.length === 200 && !all.includes(-1);
  });
  expect(await copied()).toEqual(data);
  expect(await listConsumers(pool)).toMatchObject([{ rebuildAsked: false, failed: false }]);
});

it('a partition that stands still goes on when it is resumed, with all its attempts', async () => {
  const cause = { mended: false };
  const { database, write, copied, partition } = await operate({
    maxAttempts: 1,
    before: ({ data }) => {
      if (data === 2 && !cause.mended) throw new Error('cannot do 2');
    },
  });
  await write([1, 2, 3]);
  await until(async () => (await partition()).failed);
  expect(await partition()).toMatchObject({
    position: 1,
    attempts: 1,
    error: 'Error: cannot do 2',
    lagPositions: 2,
  });
  cause.mended = true;
  await resumeConsumer(database.pool, 'copy');
  await until(async () => (await copied()).length === 3);
  expect(await copied()).toEqual([1, 2, 3]);
  expect(await partition()).toMatchObject({ failed: false, attempts: 0, error: null });
});

it('remove is refused while a worker has the consumer; after it nothing is known of the consumer', async () => {
  const { database, write, copied, consumer } = await operate();
  const { pool } = database;
  await write([1]);
  await until(async () => (await copied()).length === 1);
  await expect(removeConsumer(pool, 'copy')).rejects.toMatchObject({ code: 'CONSUMER_RUNNING' });
  await consumer.stop();
  await removeConsumer(pool, 'copy');
  expect(await listConsumers(pool)).toEqual([]);
  expect(await copied()).toEqual([1]);
});

it('a consumer without reset is not rebuilt, and one that is not there is not operated', async () => {
  const { database } = await operate({ reset: undefined });
  await expect(requestRebuild(database.pool, 'copy')).rejects.toMatchObject({
    code: 'CONSUMER_NOT_REBUILDABLE',
  });
  const { pool } = await createDatabase();
  const operations = [pauseConsumer, resumeConsumer, requestRebuild, removeConsumer];
  for (const operation of operations)
    await expect(operation(pool, 'nobody')).rejects.toMatchObject({ code: 'CONSUMER_UNKNOWN' });
  await expect(rewindConsumer(pool, 'nobody', 0)).rejects.toMatchObject({ code: 'CONSUMER_UNKNOWN' });
});
