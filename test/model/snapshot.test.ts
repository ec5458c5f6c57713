import { Pool } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { formatCursor } from '../../src/core/cursor.ts';
import { readHead } from '../../src/log/head.ts';
import { snapshot } from '../../src/log/snapshot.ts';
import { get } from '../http/request.ts';
import { createBusiness } from '../support/business.ts';
import { connectClient, type TestClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { chooseSeed, createRandom } from '../support/random.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { startWriters, type Writers } from '../support/writers.ts';
import { holdOneAfterAnother } from './held-commits.ts';
import { judge, readState, type Loaded } from './snapshot-judge.ts';

/** The business under 32 writers with traps, and beside them commits that are held in their last instant. */
async function createModel(name: string) {
  const database = await createDatabase();
  await createBusiness(database.pool);
  const pool = new Pool({ connectionString: database.url, max: 4 });
  onTestFinished(() => pool.end());
  const random = createRandom(chooseSeed(name));
  const start = () => startWriters({ url: database.url, random, transactions: 1_000_000 });
  return { database, pool, start };
}

/** Lets no more transactions begin, and waits for those that have. */
async function calm(writers: Writers): Promise<void> {
  // More than can have begun and not ended: one for each writer.
  const last = writers.ended + 32;
  writers.allow(last);
  await writers.reached(last);
}

it('state and what follows its cursor are the truth, every time, under 32 writers with held commits', async () => {
  const { database, pool, start } = await createModel('snapshots');
  await startServer(database);
  const writers = start();
  const held = await holdOneAfterAnother(database);
  const durations: number[] = [];
  const loaded: Loaded[] = [];
  const load = async () => {
    while (loaded.length < 150) {
      const began = performance.now();
      const found = await snapshot(pool, (tx, cursor) => {
        durations.push(performance.now() - began);
        return readState(tx, cursor);
      });
      loaded.push(found);
    }
  };
  await Promise.all([load(), load()]);
  await held.stop();
  await calm(writers);

  durations.sort((a, b) => a - b);
  const quantile = (share: number) => Math.round(durations[Math.floor(durations.length * share)] ?? NaN);
  console.log(
    `${loaded.length} snapshots, ${held.count} held commits, p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms`,
  );
  expect(await judge(database.pool, loaded)).toEqual({ overlaps: 0, holes: 0, examples: [] });
  expect(held.count).toBeGreaterThan(10);
});

it('a list loaded by HTTP and a stock client that follows on from its cursor have everything once', async () => {
  const { database, pool, start } = await createModel('snapshots by HTTP');
  const { url } = await startServer(database, {
    setUp: (app) => void app.get('/facts', () => snapshot(pool, readState)),
  });
  const writers = start();
  const held = await holdOneAfterAnother(database);
  const pages: { loaded: Loaded; client: TestClient }[] = [];
  while (pages.length < 10) {
    const { body: loaded } = await get<Loaded>(url, '/facts');
    const client = await connectClient(url, { cursor: loaded.cursor, subscriptions: [{ deep: true }] });
    pages.push({ loaded, client });
    await writers.reached(writers.ended + 60);
  }
  await held.stop();
  await calm(writers);

  const { rows: facts } = await database.pool.query<{ id: string; org: string }>(
    'select id, org from model.fact',
  );
  const ours = new Set(facts.filter(({ org }) => org === 'acme').map(({ id }) => id));
  for (const { loaded, client } of pages) {
    const before = loaded.facts.filter((id) => ours.has(id));
    await until(() => before.length + client.events.length >= ours.size, {
      message: `the rest after ${loaded.cursor}`,
      timeoutMs: 10_000,
    });
    expect(new Set([...before, ...client.events.map(({ id }) => id)])).toEqual(ours);
    expect(before.length + client.events.length).toBe(ours.size);
    expect(client.resets).toEqual([]);
  }
});

/** What looks as good: each loads state with a cursor that does not stand for it. */
const naive: Record<string, { defect: 'holes' | 'overlaps'; load: (pool: Pool) => Promise<Loaded> }> = {
  'the highest position, read before the state': {
    defect: 'overlaps',
    load: async (pool) => {
      const { epoch, last } = await readHead(pool);
      return readState(pool, formatCursor({ epoch, position: last }));
    },
  },
  'the highest position that the same snapshot shows, whatever is missing below it': {
    defect: 'holes',
    load: async (pool) => {
      const client = await pool.connect();
      try {
        await client.query('begin isolation level repeatable read read only');
        const { epoch, last } = await readHead(client);
        return await readState(client, formatCursor({ epoch, position: last }));
      } finally {
        await client.query('rollback');
        client.release();
      }
    },
  },
};

it.for(Object.entries(naive))('the judge finds what is wrong with %s', async ([, { defect, load }]) => {
  const { database, pool, start } = await createModel('naive snapshots');
  const writers = start();
  const held = await holdOneAfterAnother(database);
  const loaded: Loaded[] = [];
  while (writers.ended < 500) loaded.push(await load(pool));
  await held.stop();
  await calm(writers);
  const verdict = await judge(database.pool, loaded);
  console.log(JSON.stringify({ loaded: loaded.length, ...verdict, examples: verdict.examples.slice(0, 1) }));
  expect(verdict[defect]).toBeGreaterThan(0);
  expect(verdict.examples).not.toHaveLength(0);
});
