import { expect, it } from 'vitest';
import type { CommitcastEvent } from '../../src/core/event.ts';
import type { EventsAnswer } from '../../src/http/history.ts';
import { append } from '../../src/log/append.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { get } from './request.ts';

const database = await createDatabase();
const scopes = [
  {},
  { site: 's1' },
  { site: 's1', unit: 'u1' },
  { unit: 'u1' },
  { site: 's2' },
  { site: 's2', unit: 'u2' },
];
await append(
  database.pool,
  Array.from({ length: 300 }, (_, n) => ({
    org: n % 4 === 3 ? 'rival' : 'acme',
    type: 'test',
    data: n,
    ...scopes[n % scopes.length],
  })),
);

async function startWithAll() {
  const server = await startServer(database);
  await until(() => server.app.commitcast.cursor().endsWith('-300'));
  return server;
}

/** What the log has for a condition, asked by SQL alone. */
async function positionsWhere(condition: string): Promise<number[]> {
  const { rows } = await database.pool.query<{ position: string }>(
    `select position from commitcast.log where org_id = 'acme' and (${condition}) order by position`,
  );
  return rows.map(({ position }) => Number(position));
}

async function readAll(url: string, query: string): Promise<CommitcastEvent[]> {
  const events: CommitcastEvent[] = [];
  for (let cursor = '', more = true; more;) {
    const answer = await get<EventsAnswer>(url, `/v1/events?${query}${cursor && `&cursor=${cursor}`}`);
    expect(answer.status).toBe(200);
    events.push(...answer.body.events);
    ({ cursor, more } = answer.body);
  }
  return events;
}

const ownOrg = 'site_id is null and unit_id is null';
const conditions: Record<string, string> = {
  '': ownOrg,
  'deep=true': 'true',
  'deep=false': ownOrg,
  'site=s1': `site_id = 's1' and unit_id is null`,
  'site=s1&deep=true': `site_id = 's1'`,
  'unit=u1': `unit_id = 'u1'`,
  'unit=none': 'false',
};

it('pages of any size, put together, are exactly the log of the scope, in order', async () => {
  const server = await startWithAll();
  for (const [query, condition] of Object.entries(conditions)) {
    const expected = await positionsWhere(condition);
    for (const limit of [1, 7, 100, 500]) {
      if (limit === 1 && expected.length > 100) continue;
      const events = await readAll(server.url, `${query}&limit=${limit}`);
      expect(
        events.map(({ position }) => position),
        `${query} in pages of ${limit}`,
      ).toEqual(expected);
    }
  }
});

it('from `cursor` to `until`, in pages, is exactly what lies between', async () => {
  const server = await startWithAll();
  const epoch = server.app.commitcast.cursor().split('-')[0] ?? '';
  let cursor = `${epoch}-50`;
  const positions: number[] = [];
  for (let more = true; more;) {
    const { body } = await get<EventsAnswer>(
      server.url,
      `/v1/events?deep=true&cursor=${cursor}&until=${epoch}-120&limit=9`,
    );
    positions.push(...body.events.map(({ position }) => position));
    ({ cursor, more } = body);
  }
  expect(positions).toEqual(await positionsWhere('position > 50 and position <= 120'));
  const beyond = await get<EventsAnswer>(
    server.url,
    `/v1/events?deep=true&cursor=${epoch}-130&until=${epoch}-120`,
  );
  expect(beyond.body).toEqual({ events: [], cursor: `${epoch}-130`, more: false });
});

it('a history that ends at `until` says that there is no more, and its cursor goes no further', async () => {
  const server = await startWithAll();
  const epoch = server.app.commitcast.cursor().split('-')[0] ?? '';
  const { body } = await get<EventsAnswer>(
    server.url,
    `/v1/events?deep=true&cursor=${epoch}-50&until=${epoch}-120&limit=500`,
  );
  expect(body.events.map(({ position }) => position)).toEqual(
    await positionsWhere('position > 50 and position <= 120'),
  );
  expect(body).toMatchObject({ cursor: `${epoch}-120`, more: false });
});

it('a history that is not whole any more says `reset` instead of a page', async () => {
  const server = await startWithAll();
  const cursor = server.app.commitcast.cursor();
  const epoch = cursor.split('-')[0] ?? '';
  expect((await get(server.url, '/v1/events?cursor=aaaaaaaa-1')).body).toEqual({
    reset: 'unknown',
    events: [],
    cursor,
    more: false,
  });
  expect((await get(server.url, `/v1/events?cursor=${epoch}-999`)).body).toEqual({
    reset: 'epoch',
    events: [],
    cursor,
    more: false,
  });
});

it('/v1/cursor says where the log stands: reading on from it gives only what is committed later', async () => {
  const server = await startWithAll();
  const { body, status } = await get<{ cursor: string }>(server.url, '/v1/cursor');
  expect({ status, cursor: body.cursor }).toEqual({ status: 200, cursor: server.app.commitcast.cursor() });
  expect(await get(server.url, `/v1/events?deep=true&cursor=${body.cursor}`)).toEqual({
    status: 200,
    body: { events: [], cursor: body.cursor, more: false },
  });
});

it('what is not there is 404', async () => {
  const server = await startWithAll();
  for (const path of ['/v1', '/v1/nothing', '/v1/events/more', '/health']) {
    expect((await get(server.url, path)).status, path).toBe(404);
  }
});
