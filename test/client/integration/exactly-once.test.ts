import { expect, it, onTestFinished } from 'vitest';
import { sleep } from '../../../src/core/sleep.ts';
import { startTcpProxy } from '../../../src/testing/tcp-proxy.ts';
import { createDatabase } from '../../support/database.ts';
import { chooseSeed, createRandom } from '../../support/random.ts';
import { startServer } from '../../support/server.ts';
import { signToken } from '../../support/tokens.ts';
import { until } from '../../support/until.ts';
import {
  expectExactly,
  keptStore,
  openClient,
  record,
  startWriters,
  truth,
  write,
  writeMany,
} from './world.ts';

const seed = chooseSeed('client/exactly-once');
const isOpen = ({ name }: { name: string }) => name === 'catching-up' || name === 'live';
const positionOf = (cursor: string | undefined) => Number(cursor?.split('-')[1]);

it('asynchronous handlers of overlapping subscriptions get each event once, in order, over twenty cuts', async () => {
  const random = createRandom(seed);
  const database = await createDatabase();
  const server = await startServer(database, { tailBytes: 65_536 });
  const proxy = await startTcpProxy(server.url);
  onTestFinished(() => proxy.close());
  const client = openClient(proxy.url);
  let inHand = 0;
  let mostInHand = 0;
  const work = async () => {
    mostInHand = Math.max(mostInHand, ++inHand);
    if (random.chance(0.3)) await sleep(random.below(3));
    inHand--;
  };
  const all = record(client.subscribe({ deep: true }), work);
  const unit = record(client.subscribe({ unit: 'u1' }), work);
  await client.live();
  const begun = positionOf(client.cursor);

  const writers = startWriters(database, random);
  for (let cut = 0; cut < 20; cut++) {
    const seen = all.length;
    await until(() => all.length > seen + random.below(20), { message: `events after cut ${cut}` });
    // What was received before may still be handled while it is connected anew.
    await until(() => isOpen(client.state));
    proxy.cut();
    await until(() => !isOpen(client.state));
    // The first few come back by themselves; the delays grow while the handlers are behind.
    if (cut >= 4) client.connect();
  }
  await writers.stop();
  await write(database, 'u1');
  await expectExactly(all, await truth(database, { deep: true }, { after: begun }));
  await expectExactly(unit, await truth(database, { unit: 'u1' }, { after: begun }));
  expect(client.states.filter((name) => name === 'offline').length).toBeGreaterThanOrEqual(20);
  expect(mostInHand).toBe(1);
  expect(client.errors).toEqual([]);
  expect(all.length).toBeGreaterThan(100);
});

it('a subscription that is made while others catch up, or are live, has no hole after its first event', async () => {
  const random = createRandom(seed + 1);
  const database = await createDatabase();
  await writeMany(database, 5_000, 'u1');
  const server = await startServer(database, { tailBytes: 65_536 });
  await until(() => positionOf(server.app.commitcast.cursor()) >= 5_000);
  const start = server.app.commitcast.cursor().replace(/\d+$/, '0');
  const client = openClient(server.url);
  const replayed = record(client.subscribe({ deep: true }, { from: start }));
  await until(() => replayed.length > 500);
  const writers = startWriters(database, random);
  const late: { scope: { deep: true } | { unit: string }; seen: number[] }[] = [];
  const subscribeLate = () => {
    for (const scope of [{ unit: 'u1' }, { unit: 'u2' }, { deep: true }] as const)
      late.push({ scope, seen: record(client.subscribe(scope)) });
  };
  subscribeLate();
  await client.live();
  expect(client.states).not.toContain('offline');
  for (let n = 0; n < 5; n++) {
    const goal = replayed.length + random.below(50);
    await until(() => replayed.length > goal);
    subscribeLate();
  }
  await until(() => late.every(({ seen }) => seen.length > 20));
  await writers.stop();
  await write(database, 'u1');
  await write(database, 'u2');
  await expectExactly(replayed, await truth(database, { deep: true }));
  for (const { scope, seen } of late)
    await expectExactly(seen, await truth(database, scope, { after: (seen[0] ?? 1) - 1 }));
});

it('`from` begins after a cursor that the session has passed, and no other handler sees anything twice', async () => {
  const random = createRandom(seed + 2);
  const database = await createDatabase();
  const server = await startServer(database, { tailBytes: 65_536 });
  const client = openClient(server.url);
  const all = record(client.subscribe({ deep: true }));
  await client.live();
  const start = client.cursor;
  const writers = startWriters(database, random);
  await until(() => all.length > 200);
  const unit = record(client.subscribe({ unit: 'u2' }, start === undefined ? {} : { from: start }));
  await until(() => unit.length > 100);
  await writers.stop();
  await write(database, 'u2');
  await expectExactly(unit, await truth(database, { unit: 'u2' }));
  await expectExactly(all, await truth(database, { deep: true }));
  expect(client.states).not.toContain('offline');
});

it('the next page goes on after what the handlers of this one have done, not after what it has received', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const store = keptStore();
  const first = openClient(server.url, { store });
  let held: (() => void) | undefined;
  const seen = record(first.subscribe({ deep: true }), ({ position }) =>
    position === 3 ? new Promise<void>((resolve) => (held = resolve)) : undefined,
  );
  await first.live();
  await writeMany(database, 10, 'u1');
  await until(() => held);
  expect(positionOf(first.cursor)).toBe(2);
  const closed = first.close();
  held?.();
  await closed;
  expect(seen).toEqual([1, 2, 3]);

  const second = openClient(server.url, { store });
  const rest = record(second.subscribe({ deep: true }));
  await expectExactly(rest, [4, 5, 6, 7, 8, 9, 10]);
});

it('a page that is left without a word gets the event in hand again, and nothing else', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const store = keptStore();
  const first = openClient(server.url, { store });
  let held: (() => void) | undefined;
  record(first.subscribe({ deep: true }), ({ position }) =>
    position === 3 ? new Promise<void>((resolve) => (held = resolve)) : undefined,
  );
  await first.live();
  await writeMany(database, 10, 'u1');
  await until(() => held);
  // As it is at this moment: the first client never saves again.
  const left = store.load();
  const second = openClient(server.url, { store: { load: () => left, save: () => undefined } });
  await expectExactly(record(second.subscribe({ deep: true })), [3, 4, 5, 6, 7, 8, 9, 10]);
  held?.();
});

it('orgs never meet: two clients of one server each have their own history', async () => {
  const random = createRandom(seed + 3);
  const database = await createDatabase();
  const server = await startServer(database);
  const seen = new Map<string, number[]>();
  const orgs = ['acme', 'globex'];
  for (const org of orgs) {
    const client = openClient(server.url, { token: await signToken({ org_id: org }) });
    seen.set(org, record(client.subscribe({ deep: true })));
    await client.live();
  }
  const writers = orgs.map((org) => startWriters(database, random.fork(), { org, limit: 60 }));
  await until(() => [...seen.values()].every(({ length }) => length > 50));
  await Promise.all(writers.map((each) => each.stop()));
  for (const org of orgs)
    await expectExactly(seen.get(org) ?? [], await truth(database, { deep: true }, { org }));
});
