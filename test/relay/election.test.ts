import { afterEach, beforeEach, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { watchLeaks } from '../support/leaks.ts';
import { createRelay, leading, terminate, type TestRelay } from '../support/relay.ts';
import { insertEvent } from '../support/transactions.ts';
import { until } from '../support/until.ts';

let database: TestDatabase;
let expectNoLeaks: () => Promise<void>;
const relays: TestRelay[] = [];

beforeEach(async () => {
  database = await createDatabase();
  expectNoLeaks = await watchLeaks(database);
});

afterEach(async () => {
  await Promise.all(relays.splice(0).map(({ relay }) => relay.stop()));
  await expectNoLeaks();
});

async function startRelay(instanceId: string): Promise<TestRelay> {
  const started = createRelay(database, instanceId);
  relays.push(started);
  await started.relay.start();
  return started;
}

/** As a leader that is frozen: it keeps the lock LEADER, and AWAKE if it polled, and does not count. */
async function freezeLeader(...locks: number[]) {
  const frozen = await database.connect();
  for (const lock of [3, ...locks]) await frozen.query(`select pg_advisory_lock(1668246893, ${lock})`);
  return frozen;
}

const state = async () => {
  const { rows } = await database.pool.query<{ leader: string; heartbeat: string }>(
    'select leader, heartbeat from commitcast.relay',
  );
  return { leader: rows[0]?.leader, heartbeat: Number(rows[0]?.heartbeat) };
};

it('P5: one of many followers stands in for a leader that is frozen while awake, and rings for each event', async () => {
  await freezeLeader(2);
  const followers = await Promise.all(['a', 'b', 'c', 'd'].map(startRelay));
  await insertEvent(database.pool, 'x');
  const leader = await until(() => followers.find(({ relay }) => relay.status.leading));
  for (let n = 2; n <= 5; n += 1) {
    await insertEvent(database.pool, 'x');
    await until(() => leader.rung === n);
  }
  // For as long as the counter needs to tell: the others hear it count, and stay followers.
  const { heartbeat } = await state();
  await until(async () => (await state()).heartbeat >= heartbeat + 6);
  expect(followers.filter(({ relay }) => relay.status.leading)).toEqual([leader]);
});

it('a follower that stands in gets the lock when the frozen one has gone, and goes on without a seam', async () => {
  const frozen = await freezeLeader();
  const one = await startRelay('one');
  await leading(one);
  await insertEvent(database.pool, 'x');
  await until(() => one.rung === 1);
  await frozen.end();
  await until(async () => {
    const { rows } = await database.pool.query(
      `select from pg_locks l join pg_stat_activity a using (pid) where l.locktype = 'advisory' and l.granted
       and l.objid = 3 and a.datname = current_database() and a.application_name = 'commitcast-leader'`,
    );
    return rows.length === 1;
  });
  await insertEvent(database.pool, 'x');
  await until(() => one.rung === 2);
  one.doorbells.slice(1).forEach(({ from }, n) => expect(from).toBe(one.doorbells[n]?.to));
});

it('a leader that comes back counts, and who stood in for it is a follower again', async () => {
  const frozen = await freezeLeader();
  const standIn = await startRelay('stand-in');
  await leading(standIn);
  const count = () =>
    frozen.query(`update commitcast.relay set heartbeat = heartbeat + 1, leader = 'the frozen one'`);
  await count();
  await until(async () => {
    await count();
    return !standIn.relay.status.leading;
  });
  // And stays one while the leader counts.
  const { heartbeat } = await state();
  for (let n = 1; n <= 20; n += 1) {
    await count();
    expect(standIn.relay.status.leading).toBe(false);
    expect((await state()).leader).toBe('the frozen one');
  }
  expect((await state()).heartbeat).toBe(heartbeat + 20);
});

it('P5: a leader that is killed is replaced as soon as its lock is free', async () => {
  const one = await startRelay('one');
  await leading(one);
  const two = await startRelay('two');
  const began = performance.now();
  // As the death of the process: all of its sessions at once.
  await one.relay.stop();
  await leading(two);
  console.log(`a killed leader was replaced after ${Math.round(performance.now() - began)} ms`);
  await insertEvent(database.pool, 'x');
  await until(() => two.rung === 1);
});

it('a follower outlives the loss of the connection that it watches with, and of the one that waits', async () => {
  const frozen = await freezeLeader();
  const one = await startRelay('one');
  await leading(one);
  for (const part of ['follower', 'leader']) {
    await until(() => terminate(database, `commitcast-${part}`));
    await until(() => !one.relay.status.leading);
    await leading(one);
  }
  await frozen.end();
});

it('an epoch that is opened by force while a relay leads is rung for within a moment', async () => {
  const one = await startRelay('one');
  await leading(one);
  const { rows } = await database.pool.query<{ epoch: string }>(
    'select commitcast.open_epoch(true) as epoch',
  );
  await until(() => one.doorbells.at(-1)?.epoch === rows[0]?.epoch);
  await insertEvent(database.pool, 'x');
  await until(() => one.rung === 1);
});
