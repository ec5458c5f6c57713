import { expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../../src/core/logger.ts';
import { RelayInstance } from '../../src/http/relay-instance.ts';
import { append } from '../../src/log/append.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { askInstance, askStatus } from './ask-status.ts';

it('with the database gone the instance says what it knows of itself', async () => {
  const database = await createDatabase();
  const { url } = await startServer(database);
  const client = await connectClient(url);
  await client.live();
  await until(async () => (await askStatus(url)).samples.length > 0);
  await database.drop();
  const answer = await until(async () => {
    const seen = await askStatus(url);
    return seen.database === 'unreachable' && seen;
  });
  expect(answer).toMatchObject({
    log: null,
    leader: null,
    oldestWriter: null,
    consumers: [],
    instances: [{ id: answer.instance, report: { gateway: { lag: null, sessions: { total: 1, live: 1 } } } }],
  });
  await until(async () => (await askStatus(url)).samples.at(-1)?.head === null);
  const { report } = await askInstance(url);
  expect(report.errors.warnings).toBeGreaterThan(0);
});

it('a table that somebody holds delays the answer by two seconds at most, events not at all, nor the stop', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const client = await connectClient(server.url);
  await client.live();
  await until(async () => (await askStatus(server.url)).samples.length > 0);
  const blocker = await database.connect();
  await blocker.query('begin; lock table commitcast.instance in access exclusive mode');
  await until(async () => {
    const { rows } = await database.pool.query(
      `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%commitcast.instance%'
         and datname = current_database() and pid <> pg_backend_pid()`,
    );
    return rows.length > 0;
  });
  const begin = performance.now();
  const answer = await askStatus(server.url);
  expect(performance.now() - begin).toBeLessThan(4_000);
  expect(answer).toMatchObject({ database: 'unreachable', instances: [{ id: answer.instance }] });
  await append(database.pool, { org: 'acme', type: 'note', data: null });
  await until(() => client.events.length === 1, { timeoutMs: 5_000 });
  const stopped = performance.now();
  await server.close();
  expect(performance.now() - stopped).toBeLessThan(5_000);
  await blocker.query('rollback');
});

it('a relay in a process of its own reports, and what it waits for is told by the others', async () => {
  const database = await createDatabase();
  const relay = new RelayInstance({
    connectionString: database.url,
    adapter: 'postgres',
    migrate: false,
    retentionMs: undefined,
    keyRetentionMs: undefined,
    logger: silentLogger,
  });
  onTestFinished(() => relay.stop());
  await relay.start();
  const { url } = await startServer(database, { relay: false, adapter: 'postgres' });
  const [own, other] = await until(async () => {
    const { instances, leader } = await askStatus(url);
    return instances[1]?.report.relay?.leading && leader?.instance === relay.id && instances;
  });
  expect(own?.report.relay).toBeNull();
  expect(other).toMatchObject({
    id: relay.id,
    kind: 'relay',
    report: { adapter: { name: 'postgres', state: 'ok' }, relay: { leading: true }, gateway: null },
  });
  await relay.stop();
  await until(async () => (await askStatus(url)).instances.length === 1);
});

it('reports go on after a crash of the server has emptied the table', async () => {
  const database = await createDatabase();
  const one = await startServer(database);
  const other = await startServer(database);
  await until(async () => (await askStatus(one.url)).instances.length === 2);
  await database.pool.query('truncate commitcast.instance');
  await until(async () => (await askStatus(one.url)).instances.length === 2);
  await other.close();
});
