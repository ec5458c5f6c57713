import { Pool } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { openEpoch } from '../../src/log/epoch.ts';
import { supportName } from '../support/administer.ts';
import { createBusiness } from '../support/business.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startServerProcess } from '../support/model-server.ts';
import { createObservers, roam, type Observer } from '../support/observers.ts';
import { startPrivateServer } from '../support/private-server.ts';
import { chooseSeed, createRandom, type Random } from '../support/random.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { startWriters } from '../support/writers.ts';
import { describeRun, expectPromisesKept } from './judge.ts';

const transactions = 2_000;
const rounds = 4;

async function createModel() {
  const database = await createDatabase();
  await createBusiness(database.pool);
  await openEpoch(database.pool);
  return database;
}

it('P3, P5: a server that is restarted again and again, its connections killed in between, delivers all, once', async () => {
  const random = createRandom(chooseSeed('restarts of the app'));
  const database = await createModel();
  let server = await startServer(database, { adapter: 'postgres' });
  const { url } = server;
  const port = Number(new URL(url).port);
  const observers = createObservers(15);
  await Promise.all(observers.map((observer) => observer.connect(url)));

  const writers = startWriters({ url: database.url, random: random.fork(), transactions, allowed: 0 });
  const [restless, steady] = halves(observers);
  const roaming = roam(restless, writers, [url], random.fork());
  let terminated = 0;
  for (let round = 1; round <= rounds; round++) {
    writers.allow((round * transactions) / rounds);
    await writers.reached(((round - 0.7) * transactions) / rounds);
    terminated += await terminateSome(database, random);
    await writers.reached(((round - 0.5) * transactions) / rounds);
    await replace(steady, async () => {
      await server.close();
      server = await startServer(database, { adapter: 'postgres', port });
    });
  }
  const roamed = await roaming;
  const looked = await expectPromisesKept(database.pool, observers, writers);
  console.log(describeRun(writers, looked, { roamed, restarts: rounds, terminated }));
  expect(terminated).toBeGreaterThan(0);
});

it('P1, P3: a server process that dies by kill -9 under load has delivered all, once, when another has taken over', async () => {
  const random = createRandom(chooseSeed('kill -9 of the server'));
  const database = await createModel();
  let server = await startServerProcess(database.url);
  const { port } = server;
  const url = `http://127.0.0.1:${port}`;
  const observers = createObservers(15);
  await Promise.all(observers.map((observer) => observer.connect(url)));

  const writers = startWriters({ url: database.url, random: random.fork(), transactions, allowed: 0 });
  const [restless, steady] = halves(observers);
  const roaming = roam(restless, writers, [url], random.fork());
  for (let round = 1; round <= rounds; round++) {
    writers.allow((round * transactions) / rounds);
    await writers.reached(((round - 0.5) * transactions) / rounds);
    await replace(steady, async () => {
      await server.kill();
      server = await startServerProcess(database.url, port);
    });
  }
  const roamed = await roaming;
  const looked = await expectPromisesKept(database.pool, observers, writers);
  console.log(describeRun(writers, looked, { roamed, kills: rounds }));
});

it('P1, P3: after kill -9 of Postgres under load nothing that was seen is gone, no position is given twice, and all is delivered, once', async () => {
  const random = createRandom(chooseSeed('kill -9 of Postgres'));
  const postgres = await startPrivateServer();
  await migrate({ connectionString: postgres.url });
  const pool = new Pool({ connectionString: postgres.url, max: 2 });
  pool.on('error', () => undefined);
  onTestFinished(() => pool.end());
  await createBusiness(pool);
  // All that a server wants of it.
  const database = { url: postgres.url } as TestDatabase;
  const server = await startServer(database, { adapter: 'postgres' });
  const observers = createObservers(15);
  await Promise.all(observers.map((observer) => observer.connect(server.url)));

  const writers = startWriters({ url: postgres.url, random: random.fork(), transactions });
  const [restless] = halves(observers);
  const roaming = roam(restless, writers, [server.url], random.fork());
  for (let round = 1; round <= rounds; round++) {
    await writers.reached(((round - 0.5) * transactions) / rounds);
    await postgres.kill();
    await postgres.start();
  }
  const roamed = await roaming;
  const looked = await expectPromisesKept(pool, observers, writers);
  console.log(describeRun(writers, looked, { roamed, kills: rounds }));
  expect(writers.counts.unknown).toBeGreaterThan(0);
});

/** Those that come and go, and those that stay. */
function halves(observers: readonly Observer[]): [Observer[], Observer[]] {
  return [observers.filter((_, index) => index % 2 === 1), observers.filter((_, index) => index % 2 === 0)];
}

/** Takes the server away and brings it back, under load; the next round finds its clients there again. */
async function replace(steady: readonly Observer[], work: () => Promise<void>): Promise<void> {
  const before = steady.map(({ drops }) => drops);
  await work();
  await until(
    () => steady.every(({ connected, drops }, index) => connected && drops > (before[index] ?? 0)),
    { message: 'the clients to come back' },
  );
}

/** Ends one or two of the server's own backends: relay, leader, listener, adapter, or a reader of the log. */
async function terminateSome({ pool }: TestDatabase, random: Random): Promise<number> {
  const { rows } = await pool.query<{ pid: number }>(
    `select pid from pg_stat_activity
     where datname = current_database() and application_name like 'commitcast%' and application_name <> $1 order by pid`,
    [supportName],
  );
  const victims = new Set(rows.length > 0 ? [random.pick(rows).pid, random.pick(rows).pid] : []);
  for (const pid of victims) await pool.query('select pg_terminate_backend($1)', [pid]);
  return victims.size;
}
