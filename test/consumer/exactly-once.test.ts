import { drizzle } from 'drizzle-orm/node-postgres';
import { Pool, type PoolClient } from 'pg';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { TransactionalDatabase } from '../../src/consumer/database.ts';
import type { ConsumeOptions } from '../../src/consumer/options.ts';
import { append } from '../../src/log/append.ts';
import { executorOf, type Transaction } from '../../src/log/transaction.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { chooseSeed, createRandom, type Random } from '../support/random.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  createLedger,
  expectExactlyOnce,
  expectTotals,
  partitionsOf,
  raiseTotals,
  writeLines,
} from './ledger.ts';

const orgs = ['acme', 'rival', 'third', 'fourth', 'fifth'];
const name = 'copy';

let database: TestDatabase;
let random: Random;
let server: TestServer;

beforeEach(async () => {
  random = createRandom(chooseSeed('faults of consumers'));
  database = await createDatabase();
  await createLedger(database.pool);
  server = await startServer(database);
});

/** Writes in small transactions, while the consumer runs. */
async function write(count: number, own = random.fork()): Promise<void> {
  for (let left = count; left > 0;) {
    const size = Math.min(left, 1 + own.below(5));
    left -= size;
    await append(
      database.pool,
      Array.from({ length: size }, () => ({ org: own.pick(orgs), type: 'note', data: own.below(1_000) })),
    );
  }
}

/** A pool of the application's, as it may be: nobody listens for errors of the clients that are in use. */
function openPool(options?: string): Pool {
  const pool = new Pool({
    connectionString: database.url,
    max: 8,
    ...(options === undefined ? {} : { options }),
  });
  pool.on('error', () => undefined);
  onTestFinished(() => pool.end());
  return pool;
}

const kill = (tx: Transaction) =>
  executorOf(tx)
    .query('select pg_terminate_backend(pg_backend_pid())')
    .catch(() => undefined);

/** Ends the connection of the transaction from elsewhere, while nothing is asked on it. */
async function killIdle(tx: Transaction): Promise<void> {
  const { rows } = await executorOf(tx).query('select pg_backend_pid() as pid');
  await database.pool.query('select pg_terminate_backend($1, 5000)', [(rows[0] as { pid: number }).pid]);
}

it('writes each event once, whatever handlers throw', async () => {
  let thrown = 0;
  const failing = (share: number) => {
    if (!random.chance(share)) return;
    thrown += 1;
    throw new Error('a handler that fails now and then');
  };
  server.app.commitcast.consume({ name, partitions: 4, batch: 10, maxAttempts: 100 }, async (tx, events) => {
    failing(0.05);
    await writeLines(tx, name, events);
    await raiseTotals(tx, name, events);
    failing(0.05);
  });
  await write(300);
  await expectExactlyOnce(database.pool, name);
  await expectTotals(database.pool, name);
  expect(thrown).toBeGreaterThan(0);
  for (const { attempts, error } of await partitionsOf(database.pool, name))
    expect({ attempts, error }).toEqual({ attempts: 0, error: null });
});

it('writes each event once where a COMMIT fails, or breaks the connection', async () => {
  await database.pool.query(`
    create function break_commit() returns trigger language plpgsql as $$
    begin
      if new.n in (3, 30) then raise 'refused at COMMIT'; end if;
      if new.n in (12, 40) then perform pg_terminate_backend(pg_backend_pid()); end if;
      return null;
    end $$;
    create constraint trigger break_commit after insert on line
    deferrable initially deferred for each row execute function break_commit()`);
  server.app.commitcast.consume({ name, batch: 5 }, (tx, events) => writeLines(tx, name, events));
  await write(60);
  await expectExactlyOnce(database.pool, name);
});

it.for([['coded', { code: 'ECONNRESET' }] as const, ['of any kind', {}] as const])(
  'writes each event once where a COMMIT came through although its answer was lost: an error %s',
  async ([, properties]) => {
    const pool = openPool();
    let calls = 0;
    const lost = { count: 0 };
    const db: TransactionalDatabase<PoolClient> = {
      async transaction(work) {
        const client = await pool.connect();
        try {
          await client.query('begin');
          await work(client);
          await client.query('commit');
        } catch (error) {
          await client.query('rollback');
          throw error;
        } finally {
          client.release();
        }
        if (calls++ % 3 > 0 || lost.count === 3) return;
        lost.count += 1;
        throw Object.assign(new Error('the answer did not come'), properties);
      },
    };
    server.app.commitcast.consume({ name, db, batch: 5 }, (tx, events) => writeLines(tx, name, events));
    while (lost.count < 3) await write(5);
    await expectExactlyOnce(database.pool, name);
  },
);

type Events = Parameters<typeof writeLines>[2];

describe.for(['pg', 'drizzle'] as const)('on a pool of %s', (kind) => {
  const consume = (
    options: Omit<ConsumeOptions<unknown>, 'db'> & { pool: Pool },
    handler: (tx: Transaction, events: Events) => Promise<void>,
  ) => {
    const { pool, ...others } = options;
    if (kind === 'drizzle') server.app.commitcast.consume({ ...others, db: drizzle(pool) }, handler);
    else server.app.commitcast.consume({ ...others, db: pool }, handler);
  };

  it('writes each event once, whenever the connection of the handler is ended; and no attempt is counted', async () => {
    const calls = { count: 0 };
    const options = { name, partitions: 2, batch: 5, maxAttempts: 1, onPoison: 'park-org' as const };
    consume({ ...options, pool: openPool() }, async (tx, events) => {
      const call = ++calls.count;
      if (call === 1) await kill(tx);
      await writeLines(executorOf(tx), name, events);
      if (call === 4) await kill(tx);
      if (call === 7 || call === 9) await killIdle(tx);
    });
    while (calls.count < 10) await write(5);
    await expectExactlyOnce(database.pool, name);
    expect((await database.pool.query('select from commitcast.parked')).rowCount).toBe(0);
  });

  it.for([kind === 'pg' ? 'serializable' : 'repeatable\\ read'])(
    'writes each event once where transactions are %s, and others write at the same time',
    async (level) => {
      const options = {
        name,
        partitions: 3,
        batch: 10,
        pool: openPool(`-c default_transaction_isolation=${level}`),
      };
      let calls = 0;
      consume(options, async (tx, events) => {
        await writeLines(executorOf(tx), name, events);
        await raiseTotals(executorOf(tx), name, events);
        if (calls++ % 10 === 0) throw new Error('a handler that fails now and then');
      });
      await Promise.all(Array.from({ length: 4 }, () => write(50)));
      await expectExactlyOnce(database.pool, name);
      await expectTotals(database.pool, name);
    },
  );
});
