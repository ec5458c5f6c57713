import { expect, it } from 'vitest';
import { readMembership, readPrimaryMembership } from '../../src/gateway/membership.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer, type TestServerOptions } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { handshakes } from './limited.ts';

const database = await createDatabase();
await database.pool.query(`
  insert into commitcast.membership (user_id, org_id, is_primary)
  values ('user-1', 'acme', true), ('user-1', 'other', false)`);
const withoutOrg = await signToken({ org_id: undefined });

/** A server that counts how often it reads a membership. */
async function startCounting(options: TestServerOptions) {
  const server = await startServer(database, {
    ...options,
    getUserPrimaryOrganization: (user) => {
      counted.queries += 1;
      return readPrimaryMembership(database.pool, user);
    },
    getUserOrganization: (user, org) => {
      counted.queries += 1;
      return readMembership(database.pool, user, org);
    },
  });
  const counted = { ...server, queries: 0 };
  return counted;
}

/** One after the other, each told at once whether it may come. */
async function tryToConnect(url: string, times: number, org?: string): Promise<unknown[]> {
  const codes: unknown[] = [];
  for (let n = 0; n < times; n++) {
    const client = await connectClient(url, {
      token: withoutOrg,
      retries: true,
      ...(org === undefined ? {} : { org }),
    });
    codes.push((await until(() => client.refusals[0])).data?.code);
  }
  return codes;
}

const limited = (times: number) => Array.from({ length: times }, () => 'RATE_LIMITED');

it('a user who has all sessions there may be costs no query, whether the org is asked for or not', async () => {
  const server = await startCounting({ limits: { userSessions: 1 } });
  const first = await connectClient(server.url, { token: withoutOrg });
  await first.live();
  expect(server.queries).toBe(1);
  expect(await tryToConnect(server.url, 3, 'acme')).toEqual(limited(3));
  expect(server.queries).toBe(1);
  // Which org is meant has to be looked up, once.
  expect(await tryToConnect(server.url, 4)).toEqual(limited(4));
  expect(server.queries).toBe(2);

  const elsewhere = await connectClient(server.url, { token: withoutOrg, org: 'other' });
  await elsewhere.live();
  first.socket.disconnect();
  const next = await connectClient(server.url, { token: withoutOrg });
  await next.live();
});

it('a user who connects too often costs no more queries than there may be connects, whatever org is asked for', async () => {
  const server = await startCounting({ limits: { userConnectsPerMinute: 3 } });
  const codes = [];
  for (let n = 0; n < 10; n++) codes.push(...(await tryToConnect(server.url, 1, `nobody-${n}`)));
  expect(codes).toEqual([...Array.from({ length: 3 }, () => 'ORG_FORBIDDEN'), ...limited(7)]);
  expect(await handshakes(server.url, 2, withoutOrg)).toEqual([429, 429]);
  expect(server.queries).toBe(3);
});

it('a user who reads history too often costs no more queries than there may be reads', async () => {
  const server = await startCounting({ limits: { userReadsPerMinute: 2 }, localOperator: false });
  const headers = { authorization: `Bearer ${withoutOrg}` };
  const statuses: number[] = [];
  for (const path of ['/v1/cursor', '/v1/events', '/v1/cursor', '/v1/events', '/v1/events?org=other'])
    statuses.push((await fetch(`${server.url}${path}`, { headers })).status);
  expect(statuses).toEqual([200, 200, 429, 429, 429]);
  expect(server.queries).toBe(2);
  // Who is no operator cannot go on here instead.
  for (const path of ['/metrics', '/v1/status'])
    expect((await fetch(`${server.url}${path}`, { headers })).status).toBe(429);
  expect(server.queries).toBe(2);
});
