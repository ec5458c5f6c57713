import { expect, it } from 'vitest';
import { tailDatabase } from '../../src/cli/tail-database.ts';
import type { EventsAnswer } from '../../src/http/history.ts';
import { append } from '../../src/log/append.ts';
import { revoke, type Revocation } from '../../src/log/revoke.ts';
import { startGatedServer } from '../gateway/gated-server.ts';
import { hold } from '../gateway/held.ts';
import { connectClient } from '../support/client.ts';
import { setClockAhead } from '../support/clock.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { get, type ErrorBody } from './request.ts';

const youngToken = (sub: string) => signToken({ sub, iat: Math.floor(Date.now() / 1_000) });
const query = '/v1/events?unit=u1';
const eventsOf = (type: string) => Array.from({ length: 5 }, (_, n) => ({ org: 'acme', type, data: n }));

it.each<[Partial<Revocation>, code: string]>([
  [{}, 'ORG_FORBIDDEN'],
  [{ unit: 'u1' }, 'SUBSCRIPTION_DENIED'],
  [{ site: 's1', unit: 'u1' }, 'SUBSCRIPTION_DENIED'],
])('P4: a page that is asked for, or has been read, when %o is lost is not given', async (what, code) => {
  const database = await createDatabase();
  const answer = hold(true);
  let asked = 0;
  const server = await startGatedServer(database, {
    authorize: ({ userId }) => {
      if (userId !== 'asking') return true;
      asked++;
      return answer.promise;
    },
  });
  await append(database.pool, { org: 'acme', type: 'before', data: null, unit: 'u1' });
  await server.reach();
  // `asking` waits for `authorize`; the page of `reading` has been read, and is on its way.
  const asking = get(server.url, query, await signToken({ sub: 'asking' }));
  server.replays.hold(1);
  const reading = get(server.url, query, await signToken({ sub: 'reading' }));
  await until(() => asked === 1 && server.replays.waiting === 1);
  for (const user of ['asking', 'reading']) await revoke(database.pool, { org: 'acme', user, ...what });
  await append(database.pool, { org: 'acme', type: 'after', data: null, unit: 'u1' });
  await server.reach();
  answer.release();
  server.replays.release();
  for (const { status, body } of await Promise.all([asking, reading]))
    expect([status, body.error.code]).toEqual([403, code]);
  const { body } = await get<EventsAnswer>(server.url, query, await signToken({ sub: 'other' }));
  expect(body.events.map(({ type }) => type)).toEqual(['before', 'after']);
});

it('P4: an instance that has not got to a revocation yet gives nothing that came after it, page by page', async () => {
  const database = await createDatabase();
  const server = await startGatedServer(database);
  const token = await signToken({ sub: 'kim' });
  await append(database.pool, eventsOf('before'));
  await server.reach();
  server.dispatches.hold();
  await revoke(database.pool, { org: 'acme', user: 'kim' });
  await append(database.pool, eventsOf('after'));
  const seen: string[] = [];
  let cursor = '';
  for (let more = true; more;) {
    const { status, body } = await get<EventsAnswer>(server.url, `/v1/events?limit=2${cursor}`, token);
    expect(status).toBe(200);
    seen.push(...body.events.map(({ type }) => type));
    ({ more } = body);
    cursor = `&cursor=${body.cursor}`;
  }
  expect(seen).toEqual(Array(5).fill('before'));
  server.dispatches.release();
  await server.reach();
  for (const path of [`/v1/events?limit=2${cursor}`, '/v1/events', '/v1/cursor'])
    expect(await get(server.url, path, token), path).toMatchObject({
      status: 403,
      body: { error: { code: 'ORG_FORBIDDEN' } },
    });
});

it('P4: what is lost is refused in every shape that shows it, the rest is not; a younger token may read all of it', async () => {
  const database = await createDatabase();
  const server = await startGatedServer(database);
  await revoke(database.pool, { org: 'acme', user: 'kim', site: 's1' });
  await server.reach();
  const shapes: Record<string, boolean> = {
    '': true,
    'deep=true': false,
    'site=s1': false,
    'site=s1&deep=true': false,
    'site=s2&deep=true': true,
    'unit=u1': true,
  };
  const [old, rival] = [await signToken({ sub: 'kim' }), await signToken({ sub: 'kim', org_id: 'rival' })];
  setClockAhead(60);
  const young = await youngToken('kim');
  for (const [shape, isKept] of Object.entries(shapes)) {
    const path = `/v1/events?${shape}`;
    const { status, body } = await get<Partial<ErrorBody>>(server.url, path, old);
    expect([shape, status, body.error?.code]).toEqual([
      shape,
      isKept ? 200 : 403,
      isKept ? undefined : 'SUBSCRIPTION_DENIED',
    ]);
    expect([
      (await get(server.url, path, young)).status,
      (await get(server.url, path, rival)).status,
    ]).toEqual([200, 200]);
  }
});

it('control events, known or not, are delivered to nobody: over a socket, HTTP, or a tail; and what follows goes on', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const subscriptions = [{ deep: true as const }, { site: 's1', deep: true as const }, { unit: 'u1' }];
  const client = await connectClient(server.url, { subscriptions });
  const { cursor } = await client.live();
  const messages: unknown[] = [];
  client.socket.onAny((name) => messages.push(name));
  const control = (type: string, data: unknown) =>
    database.pool.query(
      `insert into commitcast.outbox (org_id, site_id, unit_id, type, data, control) values ('acme', 's1', 'u1', $1, $2, true)`,
      [type, JSON.stringify(data)],
    );
  await revoke(database.pool, { org: 'acme', user: 'somebody', unit: 'u1' });
  for (const data of [null, 'text', 1, [], {}, { user: 5 }, { user: 'user-1' }, { user: { of: 'user-1' } }]) {
    await control('commitcast.future', data);
    await control(
      'commitcast.membership-changed',
      typeof data === 'object' && data && 'user' in data ? null : data,
    );
  }
  await append(database.pool, { org: 'acme', type: 'last', data: null });
  await until(() => client.events.length > 0);
  expect(messages).toEqual(['events']);
  expect(client.events.map(({ type }) => type)).toEqual(['last']);

  const back = await connectClient(server.url, { subscriptions, cursor });
  await back.live();
  for (const shape of ['', '?deep=true', '?site=s1&deep=true', '?unit=u1']) {
    const { body } = await get<EventsAnswer>(server.url, `/v1/events${shape}`);
    expect(
      [...body.events, ...back.events].filter(({ type }) => type !== 'last'),
      shape,
    ).toEqual([]);
    expect(body).toMatchObject({ cursor: client.cursor, more: false });
  }
  const printed: string[] = [];
  const stop = new AbortController();
  for (const scope of [
    { org: undefined, subscription: undefined },
    { org: 'acme', subscription: { deep: true as const } },
  ]) {
    const tail = tailDatabase(database.url, {
      ...scope,
      fromStart: true,
      cursor: undefined,
      signal: stop.signal,
      print: ({ type }) => printed.push(type),
      tell: () => undefined,
    });
    tail.catch(() => undefined);
  }
  await until(() => printed.includes('last') && printed.length >= 2);
  stop.abort();
  expect(printed).toEqual(['last', 'last']);
});
