import { expect, it } from 'vitest';
import { isErased } from '../../src/core/erased.ts';
import type { CommitcastEvent } from '../../src/core/event.ts';
import type { Subscription } from '../../src/core/subscription.ts';
import { eventOf, type WireEvent } from '../../src/log/wire-event.ts';
import { Tail } from '../../src/gateway/tail.ts';
import type { EventsAnswer } from '../../src/http/history.ts';
import { append } from '../../src/log/append.ts';
import { toControlEvent } from '../../src/log/control-event.ts';
import { erase } from '../../src/log/erase.ts';
import type { EventRow } from '../../src/log/event-row.ts';
import { connectClient, type TestClient } from '../support/client.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { get } from '../http/request.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';

const subscriptions: Subscription[] = [{ deep: true }];
const note = ({ pool }: TestDatabase, org: string, stream?: string) =>
  append(pool, {
    org,
    type: 'note',
    data: { name: 'Jane' },
    meta: { by: 'kim' },
    ...(stream === undefined ? {} : { stream }),
  });
const positionOf = ({ app }: TestServer) => Number(app.commitcast.cursor().split('-')[1]);
const epochOf = ({ app }: TestServer) => app.commitcast.cursor().split('-')[0] ?? '';
/** What a client has got: the stream, and what is in it. */
const said = (events: readonly CommitcastEvent[]) =>
  events.map(({ stream = 'none', data, meta }) => [stream, data, meta]);
const whole = (stream: string) => [stream, { name: 'Jane' }, { by: 'kim' }];
const stone = (id: string, stream: string) => [stream, { $erased: id }, undefined];

async function replay(server: TestServer, token: string): Promise<TestClient> {
  const client = await connectClient(server.url, { token, subscriptions, cursor: `${epochOf(server)}-0` });
  await client.live();
  return client;
}

it.each(['memory', 'the log'])(
  'P2, P4: on every instance a replay from %s shows tombstones of what is erased, and all else as it was',
  async (source) => {
    const database = await createDatabase();
    const tailBytes = source === 'memory' ? 1_000_000 : 65_536;
    const servers = [
      await startServer(database, { adapter: 'postgres', tailBytes }),
      await startServer(database, { adapter: 'postgres', tailBytes, relay: false }),
    ];
    const kim = await signToken({ sub: 'kim' });
    const rival = await signToken({ sub: 'kim', org_id: 'rival' });
    const live = await Promise.all(
      servers.map(({ url }) => connectClient(url, { token: kim, subscriptions })),
    );
    await Promise.all(live.map((client) => client.live()));
    for (const org of ['acme', 'rival']) {
      await note(database, org, 's1');
      await note(database, org);
      await note(database, org, 's2');
    }
    // More than the smaller of the two memories holds.
    await append(database.pool, { org: 'filler', type: 'x', data: 'x'.repeat(70_000) });
    await until(() => servers.every((server) => positionOf(server) === 7));
    const first = await erase(database.pool, { org: 'acme', stream: 's1' });
    await note(database, 'acme', 's1');
    await until(() => live.every(({ events }) => events.length === 4));
    for (const server of servers) {
      const { events } = await replay(server, kim);
      expect(said(events)).toEqual([stone(first, 's1'), whole('none'), whole('s2'), whole('s1')]);
      expect(events.map(isErased)).toEqual([true, false, false, false]);
    }

    const second = await erase(database.pool, { org: 'acme' });
    await until(() => servers.every((server) => positionOf(server) === 10));
    for (const server of servers) {
      const { events, resets } = await replay(server, kim);
      expect(said(events)).toEqual(['s1', 'none', 's2', 's1'].map((stream) => stone(second, stream)));
      expect(resets).toEqual([]);
      expect(said((await replay(server, rival)).events)).toEqual([whole('s1'), whole('none'), whole('s2')]);
    }
    // What was delivered is delivered; the control event itself is not.
    for (const { events, resets, closes } of live) {
      expect(said(events)).toEqual([whole('s1'), whole('none'), whole('s2'), whole('s1')]);
      expect([...resets, ...closes]).toEqual([]);
    }
  },
);

it('history by HTTP has the data until the erasure, and tombstones from then on, at the same positions', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  await note(database, 'acme', 's1');
  await note(database, 'acme', 's2');
  await until(() => positionOf(server) === 2);
  const path = `/v1/events?deep=true&cursor=${epochOf(server)}-0`;
  const { body: before } = await get<EventsAnswer>(server.url, path);
  expect(said(before.events)).toEqual([whole('s1'), whole('s2')]);
  const id = await erase(database.pool, { org: 'acme', stream: 's1' });
  await until(() => positionOf(server) === 3);
  const { body: after } = await get<EventsAnswer>(server.url, path);
  const [erased, kept] = before.events;
  const { meta: _, ...rest } = erased ?? {};
  expect(after.events).toEqual([{ ...rest, data: { $erased: id } }, kept]);
});

it('the relay completes an erasure: what its own transaction had said before it is gone, what it said after it is not', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const token = await signToken();
  const live = await connectClient(server.url, { token, subscriptions });
  await live.live();
  const client = await database.connect();
  await client.query('begin');
  const say = (type: string) => append(client, { org: 'acme', type, data: { name: 'Jane' } });
  await say('before');
  await erase(client, { org: 'acme' });
  await say('after');
  await client.query('commit');
  await until(() => live.events.length === 2);
  await until(async () => {
    const { rows } = await database.pool.query('select from commitcast.erasure where swept_at is not null');
    return rows.length === 1;
  });
  const { rows } = await database.pool.query<{ type: string; erased: boolean }>(
    `select type, data ? '$erased' as erased from commitcast.log where not control order by position`,
  );
  expect(rows).toEqual([
    { type: 'before', erased: true },
    { type: 'after', erased: false },
  ]);
  // In memory it was gone at its position already.
  const again = await replay(server, token);
  expect(again.events.map((event) => isErased(event))).toEqual([true, false]);
  // Nor is anything of it left in the outbox.
  const { rows: outbox } = await database.pool.query(`select from commitcast.outbox where type = 'before'`);
  expect(outbox).toEqual([]);
});

const event = (position: number, org: string): CommitcastEvent => ({
  position,
  id: `id-${position}`,
  type: 'note',
  org,
  time: '2026-01-01T00:00:00.000Z',
  data: { name: 'Jane' },
  meta: { by: 'kim' },
});

it('a tail that has erased keeps more events in the same memory', () => {
  const entries = (org: string, from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, n): WireEvent => {
      const said = event(from + n, org);
      return { ...said, stream: undefined, json: JSON.stringify(said), bytes: 1_000 };
    });
  const erased = { ...event(11, 'acme'), id: 'the-erasure', type: 'commitcast.erased', data: { by: 'kim' } };
  const control = toControlEvent(erased, { committed_at: erased.time, created_at: erased.time } as EventRow);

  const tail = new Tail(0, 12_000);
  tail.take({ events: [...entries('acme', 1, 5), ...entries('rival', 6, 10)] });
  tail.take({ events: [], control });
  tail.take({ events: entries('acme', 12, 14) });
  expect(tail.covers(0)).toBe(true);
  expect(
    Array.from(tail.after(0), eventOf).map(({ position, data, meta }) => [
      position,
      isErased({ data }),
      meta,
    ]),
  ).toEqual([
    ...[1, 2, 3, 4, 5].map((position) => [position, true, undefined]),
    ...[6, 7, 8, 9, 10, 12, 13, 14].map((position) => [position, false, { by: 'kim' }]),
  ]);
  tail.take({ events: entries('acme', 15, 20) });
  expect(tail.covers(0)).toBe(false);
});
