import type { Client } from 'pg';
import { beforeEach, expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { openEpoch } from '../../src/log/epoch.ts';
import { readFew } from '../../src/log/read-few.ts';
import { readRange } from '../../src/log/read-range.ts';
import { UntoldReader } from '../../src/log/untold-reader.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createGate } from '../support/gate.ts';
import { insertEvent } from '../support/transactions.ts';

let database: TestDatabase;
let db: Client;

beforeEach(async () => {
  database = await createDatabase();
  db = await database.connect();
});

async function write(count: number): Promise<void> {
  for (let n = 1; n <= count; n++)
    await append(database.pool, { org: 'acme', unit: 'u1', type: 'many', data: { n }, meta: { by: 'test' } });
}

const lose = () => expect(insertEvent(database.pool, 'fails')).rejects.toThrow('failed in its last instant');

it('a few are read as a page of them is', async () => {
  await openEpoch(db);
  await write(8);
  const page = await readRange(db, 0, 1_000);
  const few = await readFew(db, 0, 1_000);
  expect(few?.entries.map(({ wire }) => wire)).toEqual(page.entries.map(({ wire }) => wire));
  expect(few?.entries.map(({ event }) => event)).toEqual(page.entries.map(({ event }) => event));
  expect(few).toMatchObject({ floor: page.floor, epoch: page.epoch, to: 8 });
  expect(await readFew(db, 3, 7)).toMatchObject({ to: 7, entries: { length: 4 } });
});

it('P3: a page of a few says what history it is of: none when nobody has opened one', async () => {
  await write(1);
  await db.query('update commitcast.epoch set database_oid = 1');
  expect((await readFew(db, 0, 10))?.epoch).toBeUndefined();
});

it('what lies between two events and is dead is none of a page of a few', async () => {
  await openEpoch(db);
  await createGate(database);
  await lose();
  expect(await readFew(db, 0, 1)).toBeUndefined();
  expect(await readRange(db, 0, 1)).toMatchObject({ entries: [], to: 1 });
});

it('reads on until nothing is left', async () => {
  await write(19);
  const reader = new UntoldReader(0);
  const pages = [];
  for (let after = 0, rest; rest !== 'nothing';) {
    const page = await reader.read(db, after);
    pages.push([after, page.entries.length, page.rest]);
    ({ to: after, rest } = page);
  }
  expect(pages).toEqual([
    [0, 8, 'more'],
    [8, 8, 'more'],
    [16, 3, 'nothing'],
  ]);
});

it('P1: stops at a position that is missing, and goes on when that has come', async () => {
  await write(1);
  const gate = await createGate(database);
  await gate.close();
  const held = await gate.commitHeld();
  await write(1);
  const reader = new UntoldReader(0);
  expect(await reader.read(db, 0)).toMatchObject({ to: 1, rest: 'gap' });
  expect(await reader.prove(db)).toBe(1);
  expect(reader.waiting).toBe(true);
  await gate.open();
  await held.done;
  expect(await reader.read(db, 1)).toMatchObject({ to: 3, rest: 'nothing' });
  expect(reader.waiting).toBe(false);
});
