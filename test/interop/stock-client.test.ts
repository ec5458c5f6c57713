import { expect, it, onTestFinished } from 'vitest';
import type { CommitcastEvent } from '../../src/core/event.ts';
import type { LiveMessage } from '../../src/core/protocol.ts';
import type { Subscription } from '../../src/core/subscription.ts';
import { append } from '../../src/log/append.ts';
import { isSeenBy } from '../../src/testing/history.ts';
import { readWholeLog } from '../../src/testing/read-whole-log.ts';
import { createBusiness } from '../support/business.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { chooseSeed, createRandom } from '../support/random.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { once, until } from '../support/until.ts';
import { startWriters } from '../support/writers.ts';
import { follow } from './follow.js';

interface PageOptions {
  getToken?: () => Promise<string>;
  subscriptions?: Subscription[];
  cursor?: string;
  transport?: 'websocket' | 'polling';
}

/** The client that the documentation prints, and what it calls back. */
function startPage(url: string, { getToken = () => signToken(), transport, ...options }: PageOptions = {}) {
  const page = { events: [] as CommitcastEvent[], resets: [] as string[], ends: [] as unknown[] };
  const lives: LiveMessage[] = [];
  const socket = follow(url, {
    ...options,
    getToken,
    onEvent: (event) => page.events.push(event),
    onReset: (reason) => page.resets.push(reason),
    onEnd: (code) => page.ends.push(code),
    options: {
      forceNew: true,
      reconnectionDelay: 20,
      reconnectionDelayMax: 200,
      ...(transport ? { transports: [transport] } : {}),
    },
  });
  socket.on('live', (message) => lives.push(message));
  onTestFinished(() => {
    socket.disconnect();
  });
  return { ...page, socket, lives, live: (n = 1) => until(() => lives[n - 1], { message: `live ${n}` }) };
}

const appendTo = ({ pool }: TestDatabase, unit: string, ...types: string[]) =>
  append(
    pool,
    types.map((type) => ({ org: 'acme', unit, type, data: null })),
  );

it.each(['websocket', 'polling'] as const)(
  'P2, P3: over %s, with a server that restarts under writers, it has each event of its rooms once, in order',
  async (transport) => {
    const database = await createDatabase();
    await createBusiness(database.pool);
    let server = await startServer(database);
    const port = Number(new URL(server.url).port);
    const page = startPage(server.url, { subscriptions: [{ deep: true }], transport });
    await page.live();
    const random = createRandom(chooseSeed(`the stock client over ${transport}`));
    const writers = startWriters({ url: database.url, random, transactions: 400, writers: 8, allowed: 150 });
    for (const [round, reached] of [75, 225].entries()) {
      await writers.reached(reached);
      await server.close();
      server = await startServer(database, { port });
      await page.live(2 + round);
      writers.allow(400);
    }
    await writers.finished;
    const log = await readWholeLog(database.pool);
    const own = log.filter((event) => isSeenBy({ org: 'acme', subscriptions: [{ deep: true }] }, event));
    await until(() => page.events.length >= own.length);
    expect(page.events).toEqual(own);
    expect(own.length).toBeGreaterThan(100);
    expect(page.resets).toEqual([]);
  },
);

it('it is told `reset` for a cursor of another history, and goes on after it', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const witness = startPage(server.url);
  await witness.live();
  await append(database.pool, { org: 'acme', type: 'before', data: null });
  await until(() => witness.events.length === 1);
  const page = startPage(server.url, { cursor: 'aaaaaaaa-1' });
  await page.live();
  expect(page.resets).toEqual(['unknown']);
  await append(database.pool, { org: 'acme', type: 'after', data: null });
  await until(() => page.events.length > 0);
  expect(page.events.map(({ type }) => type)).toEqual(['after']);
});

it('it answers `token-expiring` with a new token, and outlives the first', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const asked: number[] = [];
  const page = startPage(server.url, {
    getToken: () => signToken({}, { ttlSeconds: asked.push(Date.now()) === 1 ? 1 : 3_600 }),
  });
  await page.live();
  await until(() => asked.length === 2);
  // 1 s, and 5 s of tolerance for the clocks.
  await until(() => Date.now() > (asked[0] ?? 0) + 7_000);
  await append(database.pool, { org: 'acme', type: 'x', data: null });
  await until(() => page.events.length === 1);
  expect(page).toMatchObject({ ends: [], lives: { length: 1 } });
});

it.each([
  { code: 'TOKEN_REQUIRED', options: { getToken: () => Promise.resolve('') } },
  { code: 'TOKEN_EXPIRED', options: { getToken: () => signToken({}, { ttlSeconds: -60 }) } },
  { code: 'CURSOR_INVALID', options: { cursor: 'nonsense' } },
])('P4: a refusal with $code ends it, and it does not come back', async ({ code, options }) => {
  const server = await startServer(await createDatabase());
  const page = startPage(server.url, options);
  await until(() => page.ends.length > 0);
  expect(page.ends).toEqual([code]);
  expect(page.socket.active).toBe(false);
});

it('P4: a subscription that is denied is listed in `live` and by its ack, and the session goes on', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const page = startPage(server.url, {
    getToken: () => signToken({ units: ['u-1'] }),
    subscriptions: [{ unit: 'u-1' }, { unit: 'u-2' }, { room: 'u-1' } as Subscription],
  });
  expect(await page.live()).toMatchObject({
    subscriptions: [{}, { unit: 'u-1' }],
    denied: [
      { subscription: { unit: 'u-2' }, code: 'SUBSCRIPTION_DENIED' },
      { subscription: { room: 'u-1' }, code: 'SUBSCRIPTION_INVALID' },
    ],
  });
  const answer = await page.socket.emitWithAck('subscribe', { unit: 'u-2' });
  expect(answer).toMatchObject({ ok: false, error: { code: 'SUBSCRIPTION_DENIED' } });
  await appendTo(database, 'u-2', 'hidden');
  await appendTo(database, 'u-1', 'seen');
  await until(() => page.events.length > 0);
  expect(page.events.map(({ type }) => type)).toEqual(['seen']);
});

it('P3: a late subscription is live from the cursor of its ack; what came before is read up to it over HTTP', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const page = startPage(server.url);
  await page.live();
  await appendTo(database, 'u-1', 'a', 'b');
  // Its own event tells that the instance has come so far.
  await append(database.pool, { org: 'acme', type: 'mark', data: null });
  await until(() => page.events.length === 1);
  const answer = await page.socket.emitWithAck('subscribe', { unit: 'u-1' });
  if (!answer.ok) throw new Error(answer.error.message);
  await appendTo(database, 'u-1', 'c');
  await until(() => page.events.length === 2);
  const response = await fetch(`${server.url}/v1/events?unit=u-1&until=${answer.cursor}`, {
    headers: { authorization: `Bearer ${await signToken()}` },
  });
  const { events, more } = (await response.json()) as { events: CommitcastEvent[]; more: boolean };
  expect([events.map(({ type }) => type), more]).toEqual([['a', 'b'], false]);
  expect(page.events.map(({ type }) => type)).toEqual(['mark', 'c']);

  expect(await page.socket.emitWithAck('unsubscribe', { unit: 'u-1' })).toMatchObject({ ok: true });
  await appendTo(database, 'u-1', 'd');
  const heard = once(page.socket, 'events');
  await append(database.pool, { org: 'acme', type: 'end', data: null });
  await heard;
  expect(page.events.map(({ type }) => type)).toEqual(['mark', 'c', 'end']);
});
