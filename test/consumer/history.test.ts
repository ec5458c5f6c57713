import { Pool } from 'pg';
import { beforeEach, expect, it } from 'vitest';
import { rewindConsumer } from '../../src/consumer/operate.ts';
import { migrate } from '../../src/db/migrate.ts';
import { append } from '../../src/log/append.ts';
import { openEpoch } from '../../src/log/epoch.ts';
import { beginPartition, dropOldest } from '../log/drop-oldest.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startPrivateServer } from '../support/private-server.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import {
  createLedger,
  dataOf,
  expectExactlyOnce,
  parkedOf,
  partitionsOf,
  untilThrough,
  writeLines,
} from './ledger.ts';

const name = 'copy';
let database: TestDatabase;

beforeEach(async () => {
  database = await createDatabase();
  await createLedger(database.pool);
});

const event = (data: number) => ({ org: 'acme', type: 'note', data });

it('stands still, and skips nothing, when what comes next is no longer kept; goes on where an operator says', async () => {
  const first = await startServer(database);
  first.app.commitcast.consume({ name }, (tx, events) => writeLines(tx, name, events));
  await append(database.pool, event(1));
  await untilThrough(database.pool, name);
  await first.close();

  await append(database.pool, event(2));
  await beginPartition(database);
  await append(database.pool, event(3));
  await dropOldest(database);
  const next = await startServer(database);
  next.app.commitcast.consume({ name }, (tx, events) => writeLines(tx, name, events));
  await until(async () => (await partitionsOf(database.pool, name))[0]?.failed);
  const [stands] = await partitionsOf(database.pool, name);
  expect(stands?.error).toMatch('no longer kept');
  expect(stands?.position).toBe(1);
  await append(database.pool, event(4));
  expect(await dataOf(database.pool, name)).toEqual([1]);

  const { rows } = await database.pool.query<{ floor: string }>('select floor from commitcast.relay');
  await rewindConsumer(database.pool, name, Number(rows[0]?.floor) - 1);
  await untilThrough(database.pool, name);
  expect(await dataOf(database.pool, name)).toEqual([1, 3, 4]);
});

it('goes on in a new epoch: nothing is lost, nothing is handled twice', async () => {
  const server = await startServer(database);
  server.app.commitcast.consume({ name, partitions: 2, batch: 3 }, (tx, events) =>
    writeLines(tx, name, events),
  );
  const epochs = new Set<string>();
  for (let round = 0; round < 4; round++) {
    const writing = (async () => {
      for (let n = 0; n < 20; n++) await append(database.pool, { ...event(n), org: `org-${n % 5}` });
    })();
    epochs.add(await openEpoch(database.pool, { force: true }));
    await writing;
  }
  await expectExactlyOnce(database.pool, name);
  expect(epochs.size).toBe(4);
});

it('an event is not to blame for a server that crashes while it is handled, also when it is the last attempt', async () => {
  const postgres = await startPrivateServer();
  await migrate({ connectionString: postgres.url });
  const pool = new Pool({ connectionString: postgres.url });
  pool.on('error', () => undefined);
  await createLedger(pool);
  const server = await startServer({ ...database, url: postgres.url });
  await append(pool, [event(1), event(2), event(3)]);
  const options = { name, maxAttempts: 1, onPoison: 'park-org' } as const;
  let failing = true;
  let crashed = false;
  server.app.commitcast.consume(options, async (tx, events) => {
    await writeLines(tx, name, events);
    // From now on each is handled alone.
    if (failing) {
      failing = false;
      throw new Error('a page that fails');
    }
    if (crashed || events[0]?.data !== 2) return;
    await postgres.kill();
    // And again, when it is back.
    failing = true;
    crashed = true;
  });
  await until(() => crashed);
  await postgres.start();
  await expectExactlyOnce(pool, name);
  expect(await parkedOf(pool, name)).toEqual([]);
  await server.close();
  await pool.end();
});
