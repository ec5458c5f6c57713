import { expect, it } from 'vitest';
import type { Load } from '../../../src/client/index.ts';
import { snapshot } from '../../../src/log/snapshot.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { chooseSeed, createRandom } from '../../support/random.ts';
import { startServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';
import { openClient, record, startWriters, truth, write, writeMany } from './world.ts';

const seed = chooseSeed('client/load');

/** A page's state, loaded by a snapshot and kept by events: all positions that it knows of, each once. */
function pageOf({ pool }: TestDatabase, { before = async () => {} }: { before?: () => Promise<void> } = {}) {
  const page = {
    state: [] as number[],
    reasons: [] as string[],
    /** Where each load stood. */
    loaded: [] as number[],
    load: (async ({ reason }) => {
      page.reasons.push(reason);
      const { positions, cursor } = await snapshot(pool, async (tx, cursor) => {
        const { rows } = await tx.query<{ position: string }>(
          `select position from commitcast.log where not control and org_id = 'acme' order by position`,
        );
        return { positions: rows.map(({ position }) => Number(position)), cursor };
      });
      await before();
      page.state = positions;
      page.loaded.push(positions.length);
      return cursor;
    }) satisfies Load,
  };
  return page;
}

async function expectTrue(database: TestDatabase, state: () => number[]): Promise<void> {
  const expected = await truth(database, { deep: true });
  await until(() => state().at(-1) === expected.at(-1), { timeoutMs: 20_000 });
  expect(state()).toEqual(expected);
}

it('a snapshot that is loaded under writers, and the events after it, are the truth', async () => {
  const random = createRandom(seed);
  const database = await createDatabase();
  await writeMany(database, 50, 'u1');
  const server = await startServer(database);
  const writers = startWriters(database, random);
  const pages: ReturnType<typeof pageOf>[] = [];
  for (let n = 0; n < 5; n++) {
    const page = pageOf(database);
    const client = openClient(server.url);
    const all = client.subscribe({ deep: true }, { load: page.load });
    all.on('*', ({ position }) => page.state.push(position));
    await until(() => all.state.name === 'active');
    pages.push(page);
  }
  await until(() => pages.every(({ state, loaded }) => state.length > (loaded[0] ?? 0) + 50));
  await writers.stop();
  await write(database, 'u1');
  for (const page of pages) {
    await expectTrue(database, () => page.state);
    expect(page.reasons).toEqual(['start']);
  }
});

it('events wait while the state is loaded, and those that it knows already are dropped', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  let go: (() => void) | undefined;
  const page = pageOf(database, { before: () => new Promise<void>((resolve) => (go = resolve)) });
  const client = openClient(server.url);
  const all = client.subscribe({ deep: true }, { load: page.load });
  const handed = record(all, ({ position }) => page.state.push(position));
  await until(() => go);
  await writeMany(database, 5, 'u1');
  // The session has them: another subscription of it has handled them.
  await until(() => client.cursor?.endsWith('-5'));
  expect(handed).toEqual([]);
  expect(all.state.name).toBe('loading');
  go?.();
  await expectTrue(database, () => page.state);
  expect(handed).toEqual([1, 2, 3, 4, 5]);
});

it('a state from a read model that is behind makes the session begin again where it stands', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const client = openClient(server.url);
  const others = record(client.subscribe({ unit: 'u1' }));
  await client.live();
  await writeMany(database, 20, 'u1');
  await until(() => others.length === 20);
  const stale = client.cursor?.replace(/\d+$/, '7');
  const all = client.subscribe({ deep: true }, { load: () => stale });
  const seen = record(all);
  await write(database, 'u1');
  await until(() => seen.at(-1) === 21);
  expect(seen).toEqual((await truth(database, { deep: true })).filter((position) => position > 7));
  expect(others).toEqual(await truth(database, { unit: 'u1' }));
});

it('a load that fails is tried again, and told each time', async () => {
  const database = await createDatabase();
  await writeMany(database, 10, 'u1');
  const server = await startServer(database);
  const page = pageOf(database);
  let failures = 3;
  const client = openClient(server.url);
  const all = client.subscribe(
    { deep: true },
    { load: (context) => (failures-- > 0 ? Promise.reject(new Error('no answer')) : page.load(context)) },
  );
  all.on('*', ({ position }) => page.state.push(position));
  await until(() => client.errors.length >= 2);
  await write(database, 'u2');
  await expectTrue(database, () => page.state);
  expect(client.errors.map(({ context }) => context.tries)).toEqual([1, 2, 3]);
  expect(all.state.name).toBe('active');
});

it('a load that fails five times has failed, and `retry()` loads anew', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const page = pageOf(database);
  let broken = true;
  const client = openClient(server.url);
  const all = client.subscribe(
    { deep: true },
    { load: (context) => (broken ? Promise.reject(new Error('no answer')) : page.load(context)) },
  );
  all.on('*', ({ position }) => page.state.push(position));
  await until(() => all.state.name === 'failed');
  expect(client.errors).toHaveLength(5);
  await writeMany(database, 5, 'u1');
  broken = false;
  all.retry();
  await until(() => all.state.name === 'active');
  await write(database, 'u1');
  await expectTrue(database, () => page.state);
});

it('more events than may wait while the state is loaded are fetched again, and none is missing', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  let go: (() => void) | undefined;
  const page = pageOf(database, { before: () => new Promise<void>((resolve) => (go = resolve)) });
  const client = openClient(server.url, { maxBacklog: 50 });
  const all = client.subscribe({ deep: true }, { load: page.load });
  all.on('*', ({ position }) => page.state.push(position));
  await until(() => go);
  for (let n = 0; n < 10; n++) await writeMany(database, 20, 'u1');
  await until(() => client.cursor?.endsWith('-200'));
  go?.();
  await expectTrue(database, () => page.state);
});
