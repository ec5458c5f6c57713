import { askParked, pauseConsumer, requestRebuild, resumeConsumer } from '../../src/consumer/operate.ts';
import { rowsOf, type Executor } from '../../src/db/executor.ts';
import { sleep } from '../../src/core/sleep.ts';
import { until } from '../support/until.ts';
import { consumerSpecs } from './consumer-specs.ts';
import { unharmed, type FaultKind } from './faults.ts';
import type { ChaosPostgres } from './postgres.ts';

// What operators do to consumers while they work. Clients must not notice; what consumers make of it is judged at the end.

const goalMs = 1_000;
/** Positions that a consumer goes back, at most. */
const rewindPositions = 2_000;
const rebuildable = consumerSpecs.filter((spec) => spec.rebuildable);

/** Statement by statement, each on a connection of its own. */
export function executorOfChaos({ query }: ChaosPostgres): Executor {
  return { query: async (text, values) => ({ rows: await query(text, values) }) };
}

/** What was poisoned up to now, or up to the position, can be handled from now on. */
export async function mend({ query }: ChaosPostgres, upTo?: number): Promise<void> {
  await query('insert into chaos.mended select coalesce($1, max(position), 0) from commitcast.log', [
    upTo ?? null,
  ]);
}

const rebuilt: FaultKind = {
  name: 'consumer: rebuilt',
  goalMs,
  async inject(world, random) {
    const { name } = random.pick(rebuildable);
    const since = performance.now();
    await requestRebuild(executorOfChaos(world.postgres), name);
    return { since, watch: unharmed(world), note: name };
  },
};

const rewound: FaultKind = {
  name: 'consumer: rewound',
  goalMs,
  async inject(world, random) {
    const { name } = random.pick(rebuildable);
    const back = 1 + random.below(rewindPositions);
    const since = performance.now();
    const [row] = await until(
      () =>
        world.postgres.query<{ target: number }>('select chaos.rewind($1, $2)::float8 as target', [
          name,
          back,
        ]),
      { message: `${name} to be rewound` },
    );
    return { since, watch: unharmed(world), note: `${name}, to ${row?.target}` };
  },
};

const paused: FaultKind = {
  name: 'consumer: paused',
  goalMs,
  async inject(world, random) {
    const { name } = random.pick(consumerSpecs);
    const ms = 1_500 + random.below(3_000);
    const since = performance.now();
    await pauseConsumer(executorOfChaos(world.postgres), name);
    return {
      since,
      watch: unharmed(world),
      note: `${name}, for ${ms} ms`,
      async heal() {
        await sleep(since + ms - performance.now(), world.signal);
        await until(() => resumeConsumer(executorOfChaos(world.postgres), name).then(() => true), {
          message: `${name} to be resumed`,
        });
        return undefined;
      },
    };
  },
};

const retried: FaultKind = {
  name: 'consumer: parked retried',
  goalMs,
  async inject(world) {
    const since = performance.now();
    const db = executorOfChaos(world.postgres);
    const parked = await rowsOf<{ name: string; count: number }>(
      db,
      'select name, count(*)::int from commitcast.parked group by name',
    );
    if (parked.length === 0) return undefined;
    await mend(world.postgres);
    for (const { name } of parked) await askParked(db, name, 'retry', { all: true });
    const events = parked.reduce((sum, { count }) => sum + count, 0);
    return { since, watch: unharmed(world), note: `${events} events` };
  },
};

export const consumerFaults: readonly FaultKind[] = [rebuilt, rewound, paused, retried];
