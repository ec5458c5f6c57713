import { expect, it } from 'vitest';
import type { LiveMessage } from '../../src/core/protocol.ts';
import { subscriptionKey, type Subscription } from '../../src/core/subscription.ts';
import { deniedNow } from '../../src/gateway/denied.ts';
import { append } from '../../src/log/append.ts';
import { connectClient, type TestClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { ask } from './ask.ts';

const database = await createDatabase();

async function subscribe(client: TestClient, subscription: Subscription): Promise<number> {
  const answer = await ask(client, 'subscribe', subscription);
  if (!answer.ok) throw new Error(answer.error.code);
  return Number(answer.cursor.split('-')[1]);
}

const unitEvent = (unit: string, data: unknown = null) => ({ org: 'acme', unit, type: 'unit', data });

it('P3: live from the acknowledged cursor on: around it nothing is missed and nothing doubled, under load', async () => {
  const server = await startServer(database);
  const client = await connectClient(server.url);
  await client.live();
  const writing = new AbortController();
  const load = (async () => {
    for (let n = 0; !writing.signal.aborted; n++)
      await append(database.pool, [unitEvent('u1', n), unitEvent('u2', n)]);
  })();
  const windows: [from: number, to: number][] = [];
  for (let n = 0; n < 20; n++) {
    const from = await subscribe(client, { unit: 'u1' });
    const seen = client.events.length;
    await until(() => client.events.length > seen);
    const answer = await ask(client, 'unsubscribe', { unit: 'u1' });
    expect(answer.ok).toBe(true);
    if (answer.ok) windows.push([from, Number(answer.cursor.split('-')[1])]);
  }
  writing.abort();
  await load;
  await append(database.pool, { org: 'acme', type: 'end', data: null });
  await until(() => client.events.at(-1)?.type === 'end');
  const { rows } = await database.pool.query<{ position: string }>(
    `select position from commitcast.log where unit_id = 'u1' order by position`,
  );
  const expected = rows
    .map(({ position }) => Number(position))
    .filter((position) => windows.some(([from, to]) => position > from && position <= to));
  expect(client.events.filter(({ unit }) => unit !== undefined).map(({ position }) => position)).toEqual(
    expected,
  );
});

it('P3: a subscription made during catch-up is live from its cursor on, in the replay too', async () => {
  const server = await startServer(database);
  const { cursor } = await (await connectClient(server.url)).live();
  for (let n = 0; n < 5; n++) {
    await append(
      database.pool,
      Array.from({ length: 400 }, (_, k) =>
        k % 2 ? unitEvent('late') : { org: 'acme', type: 'org', data: null },
      ),
    );
  }
  await server.close();
  const restarted = await startServer(database, { tailBytes: 65_536 });
  const client = await connectClient(restarted.url, { cursor });
  await until(() => client.socket.connected);
  const from = await subscribe(client, { unit: 'late' });
  await client.live();
  await append(database.pool, unitEvent('late', 'last'));
  await until(() => client.events.at(-1)?.data === 'last');
  const { rows } = await database.pool.query<{ position: string }>(
    `select position from commitcast.log where org_id = 'acme' and position > $1
     and (room = 'org:acme' or (room = 'org:acme:unit:late' and position > $2)) order by position`,
    [cursor.split('-')[1], from],
  );
  expect(client.positions).toEqual(rows.map(({ position }) => Number(position)));
});

it('subscribe and unsubscribe are idempotent', async () => {
  const server = await startServer(database);
  const client = await connectClient(server.url);
  await client.live();
  await subscribe(client, { unit: 'twice' });
  await subscribe(client, { unit: 'twice' });
  await append(database.pool, unitEvent('twice', 1));
  await until(() => client.events.length > 0);
  for (let n = 0; n < 2; n++)
    expect(await ask(client, 'unsubscribe', { unit: 'twice' })).toMatchObject({ ok: true });
  await append(database.pool, [unitEvent('twice', 2), { org: 'acme', type: 'end', data: 3 }]);
  await until(() => client.events.at(-1)?.type === 'end');
  expect(client.events.map(({ data }) => data)).toEqual([1, 3]);
});

it('P4: what is denied at the handshake never refuses the connection, and is listed in `live.denied` with its code', async () => {
  const server = await startServer(database, {
    authorize: (_identity, { unit }) => {
      if (unit === 'throws') throw new Error('the database of rights is down');
      return unit !== 'denied';
    },
  });
  const wanted = [
    { unit: 'fine' },
    { unit: 'denied' },
    { unit: 'throws' },
    { unit: 'a:b' },
    7,
    null,
    { org: 'rival' },
  ];
  const client = await connectClient(server.url, { subscriptions: wanted as Subscription[] });
  const live = await client.live();
  expect(live.subscriptions).toEqual([{}, { unit: 'fine' }]);
  expect(live.denied).toEqual([
    { subscription: { unit: 'denied' }, code: 'SUBSCRIPTION_DENIED' },
    { subscription: { unit: 'throws' }, code: 'INTERNAL' },
    { subscription: { unit: 'a:b' }, code: 'SUBSCRIPTION_INVALID' },
    { subscription: 7, code: 'SUBSCRIPTION_INVALID' },
    { subscription: null, code: 'SUBSCRIPTION_INVALID' },
    { subscription: { org: 'rival' }, code: 'SUBSCRIPTION_INVALID' },
  ]);
  await append(database.pool, [unitEvent('denied'), unitEvent('throws'), unitEvent('fine')]);
  await until(() => client.events.length > 0);
  expect(client.events.map(({ unit }) => unit)).toEqual(['fine']);
});

it('P3: who resumes is told what it is denied before the first event, so that a part does not pass for the whole', async () => {
  const server = await startServer(database, {
    authorize: (_identity, { deep, unit }) => !deep && unit !== 'other',
  });
  const first = await connectClient(server.url);
  await first.live();
  const { cursor } = first;
  await append(database.pool, unitEvent('mine'));
  await until(() => server.app.commitcast.cursor() !== cursor);
  const subscriptions = [{ deep: true } as const, { unit: 'mine' }, { unit: 'other' }];
  const again = await connectClient(server.url, { cursor: String(cursor), subscriptions });
  const told: string[] = [];
  again.socket.on('revoked', ({ subscription, code }) =>
    told.push(`${JSON.stringify(subscription)} ${code}`),
  );
  again.socket.on('events', () => told.push('events'));
  await again.live();
  expect(told).toEqual([
    '{"deep":true} SUBSCRIPTION_DENIED',
    '{"unit":"other"} SUBSCRIPTION_DENIED',
    'events',
  ]);
  expect(again.lives[0]?.denied).toHaveLength(2);
});

it('what was denied at the handshake and is allowed later is not listed again', () => {
  const denied: LiveMessage['denied'] = [
    { subscription: { unit: 'u1' }, code: 'SUBSCRIPTION_DENIED' },
    { subscription: { unit: 'u2' }, code: 'INTERNAL' },
    { subscription: 7, code: 'SUBSCRIPTION_INVALID' },
  ];
  const now = new Map([[subscriptionKey({ unit: 'u2' }), { unit: 'u2' }]]);
  expect(deniedNow(denied, now)).toEqual([denied[0], denied[2]]);
});

it('subscriptions that are no list are denied as a whole, the connection stands', async () => {
  const server = await startServer(database);
  for (const subscriptions of ['unit', 7, { unit: 'u1' }, true]) {
    const client = await connectClient(server.url, {
      subscriptions: subscriptions as unknown as Subscription[],
    });
    expect((await client.live()).denied).toEqual([{ subscription: null, code: 'SUBSCRIPTION_INVALID' }]);
  }
});

it('P4: rights by lists hold at the handshake, at subscribe and in the replay', async () => {
  const server = await startServer(database);
  const { cursor } = await (await connectClient(server.url)).live();
  const token = await signToken({ sites: ['s1'], units: ['u1'] });
  await append(database.pool, [
    unitEvent('u1', 1),
    unitEvent('u2', 2),
    { org: 'acme', site: 's2', type: 's', data: 3 },
  ]);
  const client = await connectClient(server.url, {
    token,
    cursor,
    subscriptions: [{ deep: true }, { unit: 'u1' }],
  });
  const live = await client.live();
  expect(live.denied).toEqual([{ subscription: { deep: true }, code: 'SUBSCRIPTION_DENIED' }]);
  for (const subscription of [{ unit: 'u2' }, { site: 's2' }, { deep: true }, { site: 's1', deep: true }]) {
    expect(await ask(client, 'subscribe', subscription)).toMatchObject({
      error: { code: 'SUBSCRIPTION_DENIED' },
    });
  }
  await append(database.pool, [unitEvent('u2', 4), unitEvent('u1', 5)]);
  await until(() => client.events.at(-1)?.data === 5);
  expect(client.events.map(({ data }) => data)).toEqual([1, 5]);
});
