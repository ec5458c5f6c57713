import { expect, it } from 'vitest';
import type { CommitcastEvent } from '../../src/core/event.ts';
import type { EventsAnswer } from '../../src/http/history.ts';
import { append } from '../../src/log/append.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken, type Claims } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { get } from './request.ts';

const database = await createDatabase();
const withoutOrg = { org_id: undefined } as unknown as Claims;
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

async function readAll(url: string, query: string, token?: string): Promise<CommitcastEvent[]> {
  const events: CommitcastEvent[] = [];
  for (let cursor = '', more = true; more;) {
    const answer = await get<EventsAnswer>(url, `/v1/events?${query}${cursor && `&cursor=${cursor}`}`, token);
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

it('P4: the org is the token’s own; another one, or a scope without rights, is refused', async () => {
  const server = await startWithAll();
  const rival = await readAll(server.url, 'deep=true', await signToken({ org_id: 'rival' }));
  expect(new Set(rival.map(({ org }) => org))).toEqual(new Set(['rival']));
  expect(rival).toHaveLength(75);

  const narrow = await signToken({ sites: ['s1'], units: [] });
  const refusals: [path: string, token: string | null | undefined, status: number, code: string][] = [
    ['/v1/events', null, 401, 'TOKEN_REQUIRED'],
    ['/v1/events', 'rubbish', 401, 'TOKEN_INVALID'],
    ['/v1/events', await signToken({}, { ttlSeconds: -60 }), 401, 'TOKEN_EXPIRED'],
    ['/v1/events', await signToken(withoutOrg), 403, 'ORG_REQUIRED'],
    ['/v1/events?org=rival', undefined, 403, 'ORG_FORBIDDEN'],
    ['/v1/events?org=acme&org=rival', undefined, 403, 'ORG_FORBIDDEN'],
    ['/v1/events?deep=true', narrow, 403, 'SUBSCRIPTION_DENIED'],
    ['/v1/events?site=s2', narrow, 403, 'SUBSCRIPTION_DENIED'],
    ['/v1/events?unit=u1', narrow, 403, 'SUBSCRIPTION_DENIED'],
    ['/v1/cursor', null, 401, 'TOKEN_REQUIRED'],
  ];
  for (const [path, token, status, code] of refusals) {
    const answer = await get(server.url, path, token);
    expect({ path, status: answer.status, code: answer.body.error.code }).toEqual({ path, status, code });
    expect(Object.keys(answer.body.error).sort()).toEqual(['code', 'message']);
  }
  expect((await get<EventsAnswer>(server.url, '/v1/events?site=s1', narrow)).body.events).not.toEqual([]);
  expect(await get(server.url, '/v1/events?org=acme')).toMatchObject({ status: 200 });
});

it('a bad parameter has its code, whether it is wrong, double or empty', async () => {
  const server = await startWithAll();
  const { epoch = '' } = /^(?<epoch>\w+)-/.exec(server.app.commitcast.cursor())?.groups ?? {};
  const bad: Record<string, string> = {
    'cursor=': 'CURSOR_INVALID',
    'cursor=1': 'CURSOR_INVALID',
    [`cursor=${epoch}-1&cursor=${epoch}-2`]: 'CURSOR_INVALID',
    'until=x': 'CURSOR_INVALID',
    'until=aaaaaaaa-1': 'CURSOR_INVALID',
    'limit=': 'LIMIT_INVALID',
    'limit=0': 'LIMIT_INVALID',
    'limit=-1': 'LIMIT_INVALID',
    'limit=501': 'LIMIT_INVALID',
    'limit=1.5': 'LIMIT_INVALID',
    'limit=ten': 'LIMIT_INVALID',
    'limit=1&limit=2': 'LIMIT_INVALID',
    'limit=0x10': 'LIMIT_INVALID',
    'limit=1e2': 'LIMIT_INVALID',
    'site=a&site=b': 'SUBSCRIPTION_INVALID',
    'unit=a&unit=b': 'SUBSCRIPTION_INVALID',
    'deep=true&deep=true': 'SUBSCRIPTION_INVALID',
    'deep=yes': 'SUBSCRIPTION_INVALID',
    'deep=': 'SUBSCRIPTION_INVALID',
    'site=': 'SUBSCRIPTION_INVALID',
    'site=s1&unit=u1': 'SUBSCRIPTION_INVALID',
    'unit=u1&deep=true': 'SUBSCRIPTION_INVALID',
    'site=s1:unit:u1': 'SUBSCRIPTION_INVALID',
    "unit=u1'%20or%20true--": 'SUBSCRIPTION_INVALID',
    [`unit=${'x'.repeat(10_000)}`]: 'SUBSCRIPTION_INVALID',
  };
  for (const [query, code] of Object.entries(bad)) {
    const answer = await get(server.url, `/v1/events?${query}`);
    expect({ query, status: answer.status, code: answer.body.error?.code }).toEqual({
      query,
      status: 400,
      code,
    });
  }
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
