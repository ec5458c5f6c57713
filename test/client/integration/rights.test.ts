import { expect, it, onTestFinished } from 'vitest';
import type { Subscription } from '../../../src/core/subscription.ts';
import { revoke } from '../../../src/log/revoke.ts';
import { startTcpProxy } from '../../../src/testing/tcp-proxy.ts';
import { createDatabase } from '../../support/database.ts';
import { startServer } from '../../support/server.ts';
import { signToken } from '../../support/tokens.ts';
import { until } from '../../support/until.ts';
import { expectExactly, keptStore, openClient, record, truth, write } from './world.ts';

it('a subscription that is denied leaves the others alone', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const client = openClient(server.url, { token: await signToken({ units: ['u1'] }) });
  const foreign = client.subscribe({ unit: 'u2' });
  const none = record(foreign);
  const seen = record(client.subscribe({ unit: 'u1' }));
  await client.live();
  await until(() => foreign.state.name === 'denied');
  expect(foreign.state).toEqual({ name: 'denied', code: 'SUBSCRIPTION_DENIED' });
  const late = client.subscribe({ deep: true });
  await until(() => late.state.name === 'denied');
  await write(database, 'u2');
  await write(database, 'u1');
  await expectExactly(seen, await truth(database, { unit: 'u1' }));
  expect(none).toEqual([]);
  expect(client.codes()).toEqual(['SUBSCRIPTION_DENIED', 'SUBSCRIPTION_DENIED']);
  expect(client.states).not.toContain('offline');
});

it('a unit that is revoked ends at its place in the order, and the other goes on', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const client = openClient(server.url);
  const lost = client.subscribe({ unit: 'u1' });
  let release: (() => void) | undefined;
  // While the first event is in hand, all the rest comes in.
  const before = record(lost, ({ position }) =>
    position === 1 ? new Promise<void>((resolve) => (release = resolve)) : undefined,
  );
  const kept = record(client.subscribe({ unit: 'u2' }));
  await client.live();
  for (let n = 0; n < 5; n++) await write(database, 'u1');
  await until(() => release);
  const expected = await truth(database, { unit: 'u1' });
  await revoke(database.pool, { org: 'acme', user: 'user-1', unit: 'u1' });
  for (let n = 0; n < 3; n++) await write(database, n === 1 ? 'u2' : 'u1');
  await until(() => server.app.commitcast.cursor().endsWith('-9'));
  expect(lost.state.name).toBe('active');
  release?.();
  await until(() => lost.state.name === 'denied');
  await expectExactly(kept, await truth(database, { unit: 'u2' }));
  expect(before).toEqual(expected);
});

it('who loses the org gets everything before it, is `denied` with ORG_FORBIDDEN, and does not come back', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const client = openClient(server.url);
  const seen = record(client.subscribe({ deep: true }));
  await client.live();
  for (let n = 0; n < 5; n++) await write(database, 'u1');
  const expected = await truth(database, { deep: true });
  await revoke(database.pool, { org: 'acme', user: 'user-1' });
  await write(database, 'u1');
  const state = await until(() => client.state.name === 'denied' && client.state);
  expect(state).toMatchObject({ reason: { code: 'ORG_FORBIDDEN' } });
  await expectExactly(seen, expected);
  client.connect();
  await until(() => client.states.filter((name) => name === 'denied').length === 2);
  expect(seen).toEqual(expected);
});

/** As the rules of an application whose database is away, once, when it is told so. */
function failingOnce(wanted: (subscription: Subscription) => boolean) {
  const rule = {
    fail: false,
    authorize: (_: unknown, subscription: Subscription) => {
      if (!rule.fail || !wanted(subscription)) return true;
      rule.fail = false;
      throw new Error('no answer');
    },
  };
  return rule;
}

it('a rule that fails for a moment is asked again by itself: what was committed meanwhile follows', async () => {
  const database = await createDatabase();
  const rule = failingOnce(({ unit }) => unit === 'u1');
  const server = await startServer(database, { authorize: rule.authorize });
  const proxy = await startTcpProxy(server.url);
  onTestFinished(() => proxy.close());
  const client = openClient(proxy.url);
  const unit = client.subscribe({ unit: 'u1' });
  const seen = record(unit);
  const other = record(client.subscribe({ unit: 'u2' }));
  await client.live();
  await write(database, 'u1');
  await until(() => seen.length === 1);

  rule.fail = true;
  unit.onState(({ name }) => {
    if (name === 'denied') void Promise.all(['u1', 'u2', 'u1'].map((id) => write(database, id)));
  });
  proxy.cut();
  await write(database, 'u1');
  await until(() => seen.length === 4);
  expect(seen).toEqual(await truth(database, { unit: 'u1' }));
  await expectExactly(other, await truth(database, { unit: 'u2' }));
  expect(unit.state.name).toBe('active');
  expect(client.codes()).toEqual(['INTERNAL']);
});

it('one that overlaps with an allowed one has no hole and nothing twice after a rule has failed', async () => {
  const database = await createDatabase();
  const rule = failingOnce(({ deep }) => deep === true);
  const server = await startServer(database, { authorize: rule.authorize });
  const proxy = await startTcpProxy(server.url);
  onTestFinished(() => proxy.close());
  const client = openClient(proxy.url);
  const all = record(client.subscribe({ deep: true }));
  const unit = record(client.subscribe({ unit: 'u1' }));
  await client.live();
  proxy.refuse(true);
  proxy.cut();
  rule.fail = true;
  // The replay of the next session has only those of u1.
  for (const id of ['u1', 'u2', 'u1', 'u2', 'u1']) await write(database, id);
  proxy.refuse(false);
  client.connect();
  await until(() => client.errors.length > 0);
  await write(database, 'u2');
  await expectExactly(all, await truth(database, { deep: true }));
  await expectExactly(unit, await truth(database, { unit: 'u1' }));
});

it('an answer to a request that was given back is not taken for that to the next one', async () => {
  const database = await createDatabase();
  let held: (() => void)[] | undefined;
  const server = await startServer(database, {
    authorize: (_, { unit }) =>
      unit === 'u1' && held ? new Promise((resolve) => held?.push(() => resolve(true))) : true,
  });
  const proxy = await startTcpProxy(server.url);
  onTestFinished(() => proxy.close());
  const client = openClient(proxy.url);
  const others = record(client.subscribe({ unit: 'u2' }));
  await client.live();
  // Answers are a while on their way: the first comes when it has been given back, and asked for again.
  proxy.delay(150);
  const first = client.subscribe({ unit: 'u1' });
  await until(() => server.app.commitcast.io.sockets.adapter.rooms.has('org:acme:unit:u1'));
  held = [];
  first.unsubscribe();
  await Promise.resolve();
  const second = client.subscribe({ unit: 'u1' });
  const seen = record(second);
  await until(() => held?.length === 1);
  await write(database, 'u1');
  await write(database, 'u2');
  await until(() => others.length === 1);
  expect(second.state.name).toBe('waiting');
  const missed = client.cursor;
  for (const answer of held) answer();
  await until(() => second.state.name === 'active');
  await write(database, 'u1');
  await expectExactly(seen, await truth(database, { unit: 'u1' }, { after: Number(missed?.split('-')[1]) }));
});

it('the next page has what one missed whose rule had failed when this page was left', async () => {
  const database = await createDatabase();
  let fails = false;
  const server = await startServer(database, {
    authorize: (_, { unit }) => {
      if (fails && unit === 'u1') throw new Error('no answer');
      return true;
    },
  });
  const store = keptStore();
  const proxy = await startTcpProxy(server.url);
  onTestFinished(() => proxy.close());
  const first = openClient(proxy.url, { store });
  const unit = first.subscribe({ unit: 'u1' });
  const seen = record(unit);
  const other = record(first.subscribe({ unit: 'u2' }));
  await first.live();
  await write(database, 'u1');
  await until(() => seen.length === 1);
  fails = true;
  proxy.cut();
  await until(() => unit.state.name === 'denied');
  await write(database, 'u1');
  await write(database, 'u2');
  await until(() => other.length === 1);
  await first.close();
  fails = false;
  const second = openClient(server.url, { store });
  const rest = record(second.subscribe({ unit: 'u1' }));
  await expectExactly([...seen, ...(await untilAny(rest))], await truth(database, { unit: 'u1' }));
});

async function untilAny(seen: number[]): Promise<number[]> {
  await until(() => seen.length > 0, { timeoutMs: 10_000 });
  return seen;
}
