import { expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

it.each(['memory', 'postgres'] as const)(
  'P5: connections that go dead without a word delay by seconds, not until TCP gives up (adapter %s)',
  async (adapter) => {
    const database = await createDatabase();
    const proxy = await startTcpProxy(database.url);
    const server = await startServer(database, { databaseUrl: proxy.url, adapter });
    const client = await connectClient(server.url);
    await client.live();
    await append(database.pool, { org: 'acme', type: 'before', data: null });
    await until(() => client.events.length === 1);

    proxy.blackHole();
    await append(database.pool, { org: 'acme', type: 'after', data: null });
    await until(() => client.events.length === 2, { timeoutMs: 45_000 });
    expect(client.events.map(({ type }) => type)).toEqual(['before', 'after']);
  },
);
