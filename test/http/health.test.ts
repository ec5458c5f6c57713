import { expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { get } from './request.ts';

it('/health/live answers 200 without a token, whatever the database does', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  expect(await get(server.url, '/health/live', null)).toEqual({ status: 200, body: { status: 'live' } });
  await database.drop();
  expect(await get(server.url, '/health/live', null)).toMatchObject({ status: 200 });
});

it('/health/ready answers 200 with what it found while the database answers', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  await append(database.pool, { org: 'acme', type: 'test', data: null });
  const adapter = { name: 'memory', state: 'ok' };
  const ready = { status: 'ready', database: 'ok', relay: 'leading', adapter, lag: 0 };
  const { status } = await until(async () => {
    const answer = await get<object>(server.url, '/health/ready', null);
    expect(answer.body).toEqual(ready);
    return answer;
  });
  expect(status).toBe(200);
});

it('/health/ready answers 503 when the database is gone, and so do reads of the log', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  await database.drop();
  expect(await get(server.url, '/health/ready', null)).toMatchObject({
    status: 503,
    body: { status: 'unready', database: 'unreachable', lag: null },
  });
  expect(await get(server.url, '/v1/events')).toMatchObject({
    status: 503,
    body: { error: { code: 'UNAVAILABLE' } },
  });
});

it('an instance without a relay is ready too: another one leads', async () => {
  const database = await createDatabase();
  const server = await startServer(database, { relay: false });
  expect(await get(server.url, '/health/ready', null)).toMatchObject({
    status: 200,
    body: { relay: 'following' },
  });
});
