import { unharmed, type FaultKind } from './faults.ts';
import { idleTransaction, writerName } from './load.ts';
import { crashes } from './postgres.ts';
import { pulseName } from './pulses.ts';
import { projectionName } from './run-consumers.ts';

/** By `application_name`: each kind of backend that an instance has, and those of the business. */
const backends: readonly { name: string; goalMs: number }[] = [
  { name: 'commitcast-relay', goalMs: 2_000 },
  { name: 'commitcast-listen', goalMs: 1_000 },
  { name: 'commitcast-leader', goalMs: 2_000 },
  { name: 'commitcast-awake', goalMs: 1_000 },
  { name: 'commitcast-adapter-listen', goalMs: 2_500 },
  { name: 'commitcast-adapter-send', goalMs: 2_500 },
  { name: 'commitcast-dispatcher', goalMs: 1_000 },
  { name: 'commitcast', goalMs: 1_000 },
  { name: 'commitcast-housekeeping', goalMs: 1_000 },
  { name: 'commitcast-consumer', goalMs: 1_000 },
  { name: 'commitcast-handler', goalMs: 1_000 },
  { name: projectionName, goalMs: 1_000 },
  { name: writerName, goalMs: 1_000 },
  { name: pulseName, goalMs: 1_000 },
];

/** All of the cluster that have this name: a failover of Postgres ends them all as well. */
const endedBackends = backends.map(({ name, goalMs }): FaultKind => ({
  name: `ended: ${name}`,
  goalMs,
  async inject(world, random) {
    // One of them, or all.
    const limit = random.chance(0.5) ? 1 : 1_000;
    const [row] = await world.postgres.query<{ ended: number; at: Date }>(
      `select count(pg_terminate_backend(pid))::int as ended
         from (select pid from pg_stat_activity where application_name = $1 order by random() limit $2) victims`,
      [name, limit],
    );
    const since = performance.now();
    if (!row || row.ended === 0) return undefined;
    return { since, watch: unharmed(world), note: `${row.ended} of them` };
  },
}));

/** Counted from when Postgres lets clients in again. */
const restarts = crashes.map((how): FaultKind => ({
  name: `Postgres: ${how}`,
  goalMs: 1_000,
  async inject(world) {
    const began = performance.now();
    const since = await world.postgres.crash(how);
    return { since, watch: unharmed(world), note: `away for ${Math.round(since - began)} ms` };
  },
}));

const idle: FaultKind = {
  name: 'idle transactions',
  goalMs: 500,
  inject(world, random) {
    const count = 1 + random.below(4);
    const ms = 2_000 + random.below(6_000);
    const since = performance.now();
    const over = Promise.all(
      Array.from({ length: count }, () =>
        idleTransaction(world.postgres.url, random.fork(), ms, world.signal),
      ),
    );
    return Promise.resolve({
      since,
      watch: unharmed(world),
      note: `${count} for ${ms} ms`,
      async heal() {
        await over;
        return undefined;
      },
    });
  },
};

export const databaseFaults: readonly FaultKind[] = [...endedBackends, ...restarts, idle];
