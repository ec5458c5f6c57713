import { expect, it } from 'vitest';
import type { EventsAnswer } from '../../src/http/history.ts';
import { append } from '../../src/log/append.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken, type Claims } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { get } from './request.ts';

const database = await createDatabase();
const withoutOrg = { org_id: undefined } as unknown as Claims;

it('P4: the org is the token’s own; another one, or a scope without rights, is refused', async () => {
  const server = await startServer(database);
  await append(database.pool, [
    { org: 'acme', site: 's1', type: 'ours', data: null },
    { org: 'rival', site: 's1', type: 'theirs', data: null },
  ]);
  await until(() => server.app.commitcast.cursor().endsWith('-2'));
  const rival = await get<EventsAnswer>(
    server.url,
    '/v1/events?deep=true',
    await signToken({ org_id: 'rival' }),
  );
  expect(rival.body.events.map(({ type }) => type)).toEqual(['theirs']);

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
    expect(Object.keys(answer.body.error)).toEqual(['code', 'message']);
  }
  expect((await get<EventsAnswer>(server.url, '/v1/events?site=s1', narrow)).body.events).not.toEqual([]);
  expect(await get(server.url, '/v1/events?org=acme')).toMatchObject({ status: 200 });
});

it('a bad parameter has its code, whether it is wrong, double or empty', async () => {
  const server = await startServer(database);
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
