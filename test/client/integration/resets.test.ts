import { expect, it } from 'vitest';
import type { CursorStore, LoadReason } from '../../../src/client/index.ts';
import { readHead } from '../../../src/log/head.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { startServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';
import { beginPartition, dropOldest } from '../../log/drop-oldest.ts';
import { expectExactly, openClient, record, truth, write, writeMany } from './world.ts';

const storeAt = (cursor: string): CursorStore => ({
  load: () => JSON.stringify({ cursor }),
  save: () => undefined,
});

/** A new history that begins after `end`: what came later in the old one has vanished. */
async function openEpoch(database: TestDatabase, end: number): Promise<string> {
  const connection = await database.connect();
  // In one transaction: no dispatcher sees the epoch with another end.
  await connection.query('begin');
  const { rows } = await connection.query<{ epoch: string }>('select commitcast.open_epoch(true) as epoch');
  const epoch = rows[0]?.epoch ?? '';
  await connection.query('update commitcast.epoch set previous_end = $2 where epoch = $1', [epoch, end]);
  await connection.query('commit');
  return epoch;
}

/** Ten events that retention has removed, and three that are there. */
async function createWorn(): Promise<{ database: TestDatabase; old: string; kept: number[] }> {
  const database = await createDatabase();
  await writeMany(database, 10, 'u1');
  await beginPartition(database);
  await writeMany(database, 3, 'u1');
  await dropOldest(database);
  const { epoch } = await readHead(database.pool);
  return { database, old: `${epoch}-2`, kept: await truth(database, { deep: true }) };
}

it('`expired`: the application loads its state, and goes on from its cursor without a hole', async () => {
  const { database, old, kept } = await createWorn();
  const server = await startServer(database);
  const client = openClient(server.url, { store: storeAt(old) });
  const all = client.subscribe({ deep: true });
  const reasons: LoadReason[] = [];
  all.onReset(({ reason }) => {
    reasons.push(reason);
    return old.replace(/\d+$/, String(kept[0]));
  });
  const seen = record(all);
  await until(() => all.state.name === 'active');
  await write(database, 'u2');
  await expectExactly(seen, (await truth(database, { deep: true })).slice(1));
  expect(reasons).toEqual(['expired']);
  expect(client.errors).toEqual([]);
});

it('`expired` without `onReset` is told as HISTORY_EXPIRED, and the subscription goes on from now', async () => {
  const { database, old } = await createWorn();
  const server = await startServer(database);
  const client = openClient(server.url, { store: storeAt(old) });
  const all = client.subscribe({ deep: true });
  const seen = record(all);
  await client.live();
  await write(database, 'u2');
  await until(() => seen.length === 1);
  expect(seen).toEqual((await truth(database, { deep: true })).slice(-1));
  expect(client.codes()).toEqual(['HISTORY_EXPIRED']);
});

it('`unknown`: a cursor of a history that was never here', async () => {
  const database = await createDatabase();
  await writeMany(database, 3, 'u1');
  const server = await startServer(database);
  const client = openClient(server.url, { store: storeAt('aaaaaaaa-2') });
  const loading = client.subscribe({ deep: true });
  const reasons: LoadReason[] = [];
  loading.onReset(({ reason }) => void reasons.push(reason));
  const plain = record(client.subscribe({ unit: 'u1' }));
  const seen = record(loading);
  await client.live();
  await until(() => loading.state.name === 'active');
  await write(database, 'u1');
  await until(() => seen.length > 0 && plain.length > 0);
  expect([seen, plain]).toEqual([[4], [4]]);
  expect(reasons).toEqual(['unknown']);
  expect(client.codes()).toEqual(['HISTORY_EXPIRED']);
  expect(client.cursor).toMatch(/-4$/);
  expect(client.cursor).not.toContain('aaaaaaaa');
});

it('`epoch`: who has seen what vanished loads anew, in mid-stream, and gets all of the new history', async () => {
  const database = await createDatabase();
  const server = await startServer(database, { relay: false });
  const client = openClient(server.url);
  const all = client.subscribe({ deep: true });
  let epoch = '';
  const reasons: LoadReason[] = [];
  all.onReset(({ reason }) => {
    reasons.push(reason);
    return `${epoch}-1`;
  });
  const seen = record(all);
  const plain = record(client.subscribe({ unit: 'u1' }));
  await client.live();
  for (let n = 0; n < 3; n++) await write(database, 'u1');
  await until(() => seen.length === 3 && plain.length === 3);
  epoch = await openEpoch(database, 1);
  await until(() => client.cursor === `${epoch}-3`);
  await until(() => seen.length === 5);
  await write(database, 'u1');
  await until(() => seen.length === 6 && plain.length === 6);
  expect(reasons).toEqual(['epoch']);
  expect(seen).toEqual([1, 2, 3, 2, 3, 4]);
  expect(plain).toEqual([1, 2, 3, 2, 3, 4]);
  expect(client.codes()).toEqual(['HISTORY_EXPIRED']);
});

it('a new epoch in which nothing vanished goes unnoticed', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const client = openClient(server.url);
  const seen = record(client.subscribe({ deep: true }));
  await client.live();
  for (let n = 0; n < 3; n++) await write(database, 'u1');
  await until(() => seen.length === 3);
  await openEpoch(database, 3);
  await write(database, 'u1');
  await expectExactly(seen, await truth(database, { deep: true }));
  expect(client.errors).toEqual([]);
});

it('a `from` that the server does not have any more takes nothing from the other subscriptions', async () => {
  const { database, old } = await createWorn();
  const server = await startServer(database);
  const client = openClient(server.url);
  const others = client.subscribe({ unit: 'u1' });
  let resets = 0;
  others.onReset(() => void resets++);
  const seen = record(others);
  await client.live();
  await write(database, 'u1');
  await until(() => seen.length === 1);
  const late = client.subscribe({ deep: true }, { from: old });
  const lateSeen = record(late);
  await until(() => client.errors.length > 0);
  await write(database, 'u1');
  await until(() => lateSeen.length > 0 && seen.length > 1);
  expect(seen).toEqual((await truth(database, { unit: 'u1' })).slice(-2));
  expect(client.errors).toHaveLength(1);
  expect(client.errors[0]?.context.subscription?.scope).toEqual({ deep: true });
  expect(resets).toBe(0);
});
