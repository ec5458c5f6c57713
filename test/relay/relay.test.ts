import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { watchLeaks } from '../support/leaks.ts';
import { createRelay, leading, terminate, untilAsleep, type TestRelay } from '../support/relay.ts';
import { insertEvent } from '../support/transactions.ts';
import { until } from '../support/until.ts';

let database: TestDatabase;
let expectNoLeaks: () => Promise<void>;
const relays: TestRelay[] = [];

beforeEach(async () => {
  database = await createDatabase();
  expectNoLeaks = await watchLeaks(database);
});

// stop() releases everything: also after each fault of these tests.
afterEach(async () => {
  await Promise.all(relays.splice(0).map(({ relay }) => relay.stop()));
  await expectNoLeaks();
});

async function startRelay(instanceId?: string): Promise<TestRelay> {
  const started = createRelay(database, instanceId);
  relays.push(started);
  await started.relay.start();
  return started;
}

const commit = () => insertEvent(database.pool, 'x');

/** Less than the fallback timer of a sleeping relay. */
const soon = { timeoutMs: 4_000, message: 'the doorbell' };

describe('a relay', () => {
  it('rings for what was committed before it started, in rising ranges without a seam', async () => {
    await commit();
    const one = await startRelay();
    await until(() => one.rung === 1, soon);
    for (let n = 2; n < 20; n += 1) {
      await commit();
      await until(() => one.rung === n, soon);
    }
    expect(one.doorbells[0]).toMatchObject({ from: 0, to: 0 });
    one.doorbells.slice(1).forEach(({ from, to }, n) => {
      expect(from).toBe(one.doorbells[n]?.to);
      expect(to).toBeGreaterThanOrEqual(from);
    });
  });

  it('sleeps at a trickle, holding no lock that makes writers silent, and hears each event', async () => {
    const one = await startRelay();
    for (let n = 1; n <= 4; n += 1) {
      await untilAsleep(database);
      await commit();
      await until(() => one.rung === n, soon);
    }
  });

  // Again if need be: on a starved machine the commits may come too slowly to be a stream.
  it('under a stream of commits lets the writers send almost no NOTIFY', async () => {
    const one = await startRelay();
    await leading(one);
    const ear = await database.connect();
    let notifications = 0;
    ear.on('notification', () => (notifications += 1));
    await ear.query('listen commitcast');
    const writers = await Promise.all([1, 2, 3, 4].map(() => database.connect()));
    await Promise.all(
      writers.map(async (writer) => {
        for (let n = 0; n < 500; n += 1) await insertEvent(writer, 'streamed');
      }),
    );
    await until(() => one.rung === 2_000, soon);
    await ear.query('select 1');
    expect(notifications).toBeLessThan(100);
  });

  it.each(['commitcast-leader', 'commitcast-relay', 'commitcast-awake', 'commitcast-listen'])(
    'recovers when its backend %s is terminated, awake or asleep',
    async (name) => {
      const one = await startRelay();
      await commit();
      await until(() => one.rung === 1, soon);
      await untilAsleep(database);
      expect(await terminate(database, name)).toBe(1);
      await commit();
      await until(() => one.rung === 2, soon);
      // Awake: under a stream of commits.
      for (let n = 3; n <= 60; n += 1) {
        await commit();
        if (n === 30) expect(await terminate(database, name)).toBeLessThanOrEqual(1);
      }
      await until(() => one.rung === 60, soon);
    },
  );

  it('saves how far it has published, so that a start after a stop misses nothing and repeats nothing', async () => {
    const one = await startRelay('one');
    await commit();
    await until(() => one.rung === 1, soon);
    await one.relay.stop();
    const state = await database.pool.query('select published::int, leader from commitcast.relay');
    expect(state.rows).toEqual([{ published: 1, leader: 'one' }]);
    await expectNoLeaks();
    await commit();
    const two = await startRelay('two');
    await until(() => two.rung === 2, soon);
    expect(two.doorbells[0]).toMatchObject({ from: 1, to: 1 });
    expect(two.doorbells.filter(({ from, to }) => to > from)).toMatchObject([{ from: 1, to: 2 }]);
  });

  it('fails to start when the database cannot be reached', async () => {
    const { relay } = createRelay({ url: 'postgres://nobody@127.0.0.1:1/none' });
    await expect(relay.start()).rejects.toThrow('ECONNREFUSED');
    await relay.stop();
  });

  it('stops in the middle of its start, and twice', async () => {
    const { relay } = createRelay(database);
    const starting = relay.start();
    await relay.stop();
    await relay.stop();
    await starting;
    await expectNoLeaks();
  });
});

describe('of two relays', () => {
  it('one leads, and the other takes over at once when the backend of the first is killed', async () => {
    const one = await startRelay('one');
    await leading(one);
    const two = await startRelay('two');
    await commit();
    await until(() => one.rung === 1, soon);
    await until(async () => {
      const { rows } = await database.pool.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return rows.length === 1;
    });
    expect(two.relay.status).toEqual({ leading: false, head: undefined, waitingFor: [] });
    await database.pool
      .query(`select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted
      and classid = 1668246893 and objid = 3 and database = (select oid from pg_database where datname = current_database())`);
    await leading(two);
    await commit();
    await until(() => two.rung === 2, soon);
    // Nothing is left out between the two.
    expect(two.doorbells[0]?.from).toBeLessThanOrEqual(1);
  });

  it('the one that waits stops at once, also when it has just lost its connection', async () => {
    const one = await startRelay('one');
    await leading(one);
    for (const faults of [0, 1, 2, 3]) {
      const two = await startRelay('two');
      if (faults > 0) await terminateWaiting();
      // At different points of its reconnecting.
      for (let turn = 0; turn < faults * 20; turn += 1) await new Promise(setImmediate);
      await two.relay.stop();
      expect(two.relay.status.leading).toBe(false);
    }
    await commit();
    await until(() => one.rung === 1, soon);
  });
});

function terminateWaiting() {
  return until(async () => {
    const { rowCount } = await database.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()
       and application_name = 'commitcast-leader' and wait_event_type = 'Lock'`,
    );
    return rowCount;
  });
}
