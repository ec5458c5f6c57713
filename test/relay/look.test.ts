import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startPump, type Step } from '../support/pump.ts';
import { insertEvent } from '../support/transactions.ts';
import { until } from '../support/until.ts';

let database: TestDatabase;
let reads: number;

beforeEach(async () => {
  database = await createDatabase();
  reads = 0;
});

/** A pump that sleeps; what it reads from then on is counted. */
async function sleepingPump(look: () => Promise<number | undefined>) {
  const count = async (step: Step) => {
    if (step === 'read') reads += 1;
  };
  const pump = await startPump(database, count, look);
  onTestFinished(() => pump.stop());
  await until(() => pump.asleep);
  reads = 0;
  return pump;
}

it('a relay that was woken does not read what its own instance has seen to be settled', async () => {
  const pump = await sleepingPump(() => Promise.resolve(1));
  await insertEvent(database.pool, 'one');
  await until(() => pump.head === 1 && pump.asleep);
  expect(reads).toBe(0);
});

it.each([
  ['sees nothing', () => Promise.resolve(undefined)],
  ['has seen less', () => Promise.resolve(0)],
  ['does not answer', () => new Promise<undefined>(() => undefined)],
])('P1: a relay that was woken reads by itself when its own instance %s', async (_, look) => {
  const pump = await sleepingPump(look);
  await insertEvent(database.pool, 'one');
  await until(() => pump.head === 1);
  expect(reads).toBeGreaterThan(0);
});
