import { expect, it } from 'vitest';
import type { CommitcastEvent } from '../../../src/core/event.ts';
import { createDatabase } from '../../support/database.ts';
import { startServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';
import { expectExactly, keptStore, openClient, record, truth, write, writeMany } from './world.ts';

/** Throws at one position, as long as it is told to. */
function stumbleAt(position: number) {
  const stumble = {
    on: true,
    work: (event: CommitcastEvent) => {
      if (stumble.on && event.position === position) throw new Error(`stumbled at ${position}`);
    },
  };
  return stumble;
}

it('a handler that throws is tried five times; meanwhile the cursor stays and nobody overtakes', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const client = openClient(server.url);
  const stumble = stumbleAt(2);
  const all = client.subscribe({ deep: true });
  const seen = record(all, stumble.work);
  const unit = client.subscribe({ unit: 'u1' });
  const other = record(unit);
  await client.live();
  const whileTrying: unknown[] = [];
  client.onError((_, { tries }) => {
    whileTrying.push([tries, client.cursor?.split('-')[1], all.state.name, other.length]);
  });
  await writeMany(database, 5, 'u1');
  await until(() => all.state.name === 'failed');
  expect(whileTrying).toEqual([1, 2, 3, 4, 5].map((tries) => [tries, '1', 'active', 1]));
  expect(client.errors[0]).toMatchObject({
    error: { message: 'stumbled at 2' },
    context: { event: { position: 2 }, subscription: { scope: { deep: true } } },
  });
  expect(all.state).toMatchObject({ name: 'failed', error: { message: 'stumbled at 2' } });

  // The others go on, and this one is kept back.
  await expectExactly(other, [1, 2, 3, 4, 5]);
  expect(unit.state.name).toBe('active');
  await write(database, 'u1');
  await until(() => other.length === 6);
  expect(seen).toEqual([1]);

  stumble.on = false;
  all.retry();
  await write(database, 'u2');
  await expectExactly(seen, await truth(database, { deep: true }));
  expect(all.state.name).toBe('active');
  await expectExactly(other, await truth(database, { unit: 'u1' }));
});

it('one that throws once is asked again, and the handlers before it are not', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const client = openClient(server.url);
  const all = client.subscribe({ deep: true });
  const before = record(all);
  let thrown = false;
  const after = record(all, ({ position }) => {
    if (position !== 2 || thrown) return;
    thrown = true;
    throw new Error('once');
  });
  await client.live();
  await writeMany(database, 4);
  await expectExactly(after, [1, 2, 3, 4]);
  expect(before).toEqual([1, 2, 3, 4]);
  expect(client.errors).toHaveLength(1);
  expect(all.state.name).toBe('active');
});

it('what failed in one page is whole in the next: it begins where it failed, the others where they were', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const store = keptStore();
  const first = openClient(server.url, { store });
  const all = first.subscribe({ deep: true });
  const seen = record(all, stumbleAt(3).work);
  const other = record(first.subscribe({ unit: 'u1' }));
  await first.live();
  await writeMany(database, 6, 'u1');
  await until(() => all.state.name === 'failed' && other.length === 6);
  await first.close();

  await writeMany(database, 3, 'u1');
  const second = openClient(server.url, { store });
  const rest = record(second.subscribe({ deep: true }));
  const otherRest = record(second.subscribe({ unit: 'u1' }));
  await expectExactly(rest, [3, 4, 5, 6, 7, 8, 9]);
  await expectExactly(otherRest, [7, 8, 9]);
  expect(seen).toEqual([1, 2]);
});

it('one that is tried again is whole also when the page is left before it has caught up', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const store = keptStore();
  const first = openClient(server.url, { store });
  const stumble = stumbleAt(3);
  const all = first.subscribe({ deep: true });
  let held: (() => void) | undefined;
  const seen = record(all, (event) => {
    stumble.work(event);
    if (event.position === 5) return new Promise<void>((resolve) => (held = resolve));
    return undefined;
  });
  const other = record(first.subscribe({ unit: 'u1' }));
  await first.live();
  await writeMany(database, 8, 'u1');
  await until(() => all.state.name === 'failed' && other.length === 8);
  stumble.on = false;
  all.retry();
  await until(() => held);
  const closed = first.close();
  held?.();
  await closed;
  expect(seen).toEqual([1, 2, 3, 4, 5]);

  const second = openClient(server.url, { store });
  const rest = record(second.subscribe({ deep: true }));
  await second.live();
  await write(database, 'u1');
  await expectExactly(rest, [6, 7, 8, 9]);
});

it('an event that fails on its way through the schemas is reported once, and the subscription has failed', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const client = openClient(server.url, {
    events: {
      parse: (event: CommitcastEvent) => {
        if (event.type === 'odd') throw new Error('not of the schema');
        return event;
      },
    } as never,
  });
  const all = client.subscribe({ deep: true });
  const seen = record(all);
  await client.live();
  await write(database);
  await write(database, undefined, 'odd');
  await write(database);
  await until(() => all.state.name === 'failed');
  expect(seen).toEqual([1]);
  expect(client.errors).toHaveLength(1);
});
