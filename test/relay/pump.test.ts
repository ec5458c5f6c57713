import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createGate, type Gate, type HeldCommit } from '../support/gate.ts';
import { startPump, type RunningPump, type Step } from '../support/pump.ts';
import { insertEvent } from '../support/transactions.ts';
import { until } from '../support/until.ts';

let database: TestDatabase;
let gate: Gate;
let pump: RunningPump | undefined;

beforeEach(async () => {
  database = await createDatabase();
  gate = await createGate(database);
});

afterEach(async () => {
  await gate.open();
  await pump?.stop();
  pump = undefined;
});

// The pumps here have no fallback timer: what arrives was read because of a notification, or before falling asleep.
const arrived = (head: number) =>
  until(() => pump?.head === head, { timeoutMs: 10_000, message: 'the event' });
const asleep = () => until(() => pump?.asleep, { timeoutMs: 10_000, message: 'the pump to sleep' });

/** The steps of falling asleep, in order; `occurrence` counts the step from the first release on. */
const moments: [moment: string, step: Step, occurrence: number][] = [
  ['before AWAKE is released', 'release', 1],
  ['after AWAKE is released', 'released', 1],
  ['before it looks who is committing', 'look', 1],
  ['after it has looked who is committing', 'looked', 1],
  ['before its last read', 'read', 1],
  ['after its last read', 'was read', 1],
  ['before the first read of its sleep', 'read', 2],
  ['after the first read of its sleep', 'was read', 2],
];

/** Does the work once, at this moment of the pump's falling asleep, while the pump stands still. */
function at(step: Step, occurrence: number, work: () => Promise<void>) {
  let falling = false;
  let left = occurrence;
  return async (now: Step) => {
    falling ||= now === 'release';
    if (!falling || now !== step || left === 0) return;
    left -= 1;
    if (left === 0) await work();
  };
}

describe('an event arrives without the fallback timer when it is committed', () => {
  it.each(moments)('%s', async (_, step, occurrence) => {
    let committed = false;
    const commit = async () => {
      await insertEvent(database.pool, 'whole');
      committed = true;
    };
    pump = await startPump(database, at(step, occurrence, commit));
    await until(() => committed);
    await arrived(1);
  });
});

describe('an event arrives without the fallback timer when its commit ends during the sleep, having begun', () => {
  it.each(moments)('%s', async (_, step, occurrence) => {
    let held: HeldCommit | undefined;
    let steps = 0;
    await gate.close();
    const commitHeld = at(step, occurrence, async () => {
      held = await gate.commitHeld();
    });
    pump = await startPump(database, async (now) => {
      if (held) steps += 1;
      await commitHeld(now);
    });
    // It sleeps, or goes on and on because it knows of the commit.
    await until(() => held && (pump?.asleep || steps > 20));
    await gate.open();
    await held?.done;
    await arrived(1);
  });
});

describe('a pump', () => {
  it('sleeps without AWAKE, is woken by each event of a trickle, and sleeps again', async () => {
    pump = await startPump(database);
    for (let n = 1; n <= 5; n += 1) {
      await asleep();
      expect(pump.awakeHeld).toBe(false);
      await insertEvent(database.pool, 'trickle');
      await arrived(n);
    }
    await asleep();
  });

  it('does not sleep while a commit that may be silent is in progress', async () => {
    let held: HeldCommit | undefined;
    let releases = 0;
    await gate.close();
    pump = await startPump(database, async (step) => {
      if (step === 'release' && (releases += 1) === 1) held = await gate.commitHeld();
    });
    await until(() => releases >= 3);
    expect(pump.asleep).toBe(false);
    await gate.open();
    await held?.done;
    await arrived(1);
    await asleep();
  });

  it('reads while it waits for AWAKE, though the writers are silent from then on', async () => {
    const blocker = await database.connect();
    await blocker.query('select pg_advisory_lock_shared(1668246893, 2)');
    const ear = await database.connect();
    let rings = 0;
    ear.on('notification', () => (rings += 1));
    await ear.query('listen commitcast');
    pump = await startPump(database);
    await until(async () => {
      const { rows } = await database.pool.query<{ waiting: boolean }>(
        `select exists (
           select from pg_locks join pg_database d on d.oid = database
           where locktype = 'advisory' and not granted and datname = current_database()
         ) as waiting`,
      );
      return rows[0]?.waiting;
    });
    await insertEvent(database.pool, 'silent');
    await arrived(1);
    await ear.query('select 1');
    expect({ rings, held: pump.awakeHeld }).toEqual({ rings: 0, held: false });
    await blocker.query('select pg_advisory_unlock_all()');
    await asleep();
  });
});
