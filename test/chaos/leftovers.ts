import { sleep } from '../../src/core/sleep.ts';
import type { ChaosInstance } from './instance.ts';
import type { Leftovers } from './instance-protocol.ts';
import type { ChaosPostgres } from './postgres.ts';
import { projectionName } from './run-consumers.ts';

/** What the cluster holds open when no client is there: the sum of its instances, and their traces in the database. */
export interface ClusterLeftovers {
  sockets: number;
  listeners: number;
  timers: number;
  /** TCP connections of the instances that do not go to Postgres. */
  connections: number;
  /** Everything else that keeps a process alive, by kind. */
  handles: Record<string, number>;
  /** By `application_name`, without those of pools, which may keep some for half a minute. */
  backends: Record<string, number>;
  /** Of the pools, which have a limit each. */
  pooled: number;
  outboxRows: number;
  heapMegabytes: number[];
}

/** Pools of an instance, and how many connections each may have; an idle one has a socket and a timer. */
const pools: Readonly<Record<string, number>> = {
  commitcast: 8,
  'commitcast-consumer': 2,
  'commitcast-handler': 8,
  [projectionName]: 4,
};
const poolSize = Object.values(pools).reduce((sum, size) => sum + size, 0);
/** A loop at rest waits with one timer or with two, by what it waits for. */
const timersMore = 2;
const restSamples = 8;
const restPauseMs = 250;
const maxHeapGrowthMegabytes = 150;
/** As many rows as a run's writers can have inserted since the last housekeeping. */
const maxOutboxRows = 1_000;

export async function countLeftovers(
  instances: readonly ChaosInstance[],
  postgres: ChaosPostgres,
): Promise<ClusterLeftovers> {
  const each = await Promise.all(instances.map((instance) => instance.count()));
  const rows = await postgres.query<{ name: string; count: number }>(
    `select application_name as name, count(*)::int as count from pg_stat_activity
     where datname = current_database() and (application_name like 'commitcast%' or application_name = $1)
     group by 1 order by 1`,
    [projectionName],
  );
  const [outbox] = await postgres.query<{ count: number }>(
    'select count(*)::int as count from commitcast.outbox',
  );
  const sum = (of: (leftovers: Leftovers) => number) => each.reduce((total, next) => total + of(next), 0);
  const kinds = [...new Set(each.flatMap(({ resources }) => Object.keys(resources)))].sort();
  const resources = Object.fromEntries(kinds.map((kind) => [kind, sum((one) => one.resources[kind] ?? 0)]));
  const { TCPSocketWrap = 0, Timeout = 0, Immediate: _passing, ...handles } = resources;
  const pooled = rows.reduce((total, { name, count }) => total + (name in pools ? count : 0), 0);
  const backends = rows.reduce((total, { count }) => total + count, 0);
  return {
    sockets: sum((one) => one.sockets),
    listeners: sum((one) => one.listeners),
    timers: Timeout - pooled,
    connections: TCPSocketWrap - backends,
    handles,
    backends: Object.fromEntries(
      rows.filter(({ name }) => !(name in pools)).map(({ name, count }) => [name, count]),
    ),
    pooled,
    outboxRows: outbox?.count ?? 0,
    heapMegabytes: each.map(({ heapBytes }) => Math.round(heapBytes / 1e6)),
  };
}

/** The most that was open at any of several moments at rest. */
export async function mostAtRest(count: () => Promise<ClusterLeftovers>): Promise<ClusterLeftovers> {
  let most = await count();
  for (let n = 0; n < restSamples; n++) {
    await sleep(restPauseMs);
    const next = await count();
    most = {
      ...next,
      listeners: Math.max(most.listeners, next.listeners),
      timers: Math.max(most.timers, next.timers),
      connections: Math.max(most.connections, next.connections),
      handles: maxima(most.handles, next.handles),
      backends: maxima(most.backends, next.backends),
    };
  }
  return most;
}

function maxima(one: Record<string, number>, other: Record<string, number>): Record<string, number> {
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  return Object.fromEntries(names.map((name) => [name, Math.max(one[name] ?? 0, other[name] ?? 0)]));
}

/** In words, what is more now than before. Memory only when it has grown out of all proportion. */
export function excess(before: ClusterLeftovers, now: ClusterLeftovers): string[] {
  const problems: string[] = [];
  const compare = (name: string, was: number, is: number) => {
    if (is > was) problems.push(`${name}: ${is} instead of ${was}`);
  };
  compare('sockets', 0, now.sockets);
  compare('listeners', before.listeners, now.listeners);
  compare('timers', before.timers + timersMore * now.heapMegabytes.length, now.timers);
  compare('connections', before.connections, now.connections);
  compare('outbox rows', maxOutboxRows, now.outboxRows);
  compare('pooled backends', poolSize * now.heapMegabytes.length, now.pooled);
  for (const [kind, count] of Object.entries(now.handles)) compare(kind, before.handles[kind] ?? 0, count);
  for (const [name, count] of Object.entries(now.backends)) {
    // An instance that has followed and now leads keeps the connection with which it watched: one each, at most.
    const roles = name === 'commitcast-follower' ? now.heapMegabytes.length : 0;
    compare(`backends ${name}`, Math.max(before.backends[name] ?? 0, roles), count);
  }
  const growth = Math.max(...now.heapMegabytes) - Math.max(...before.heapMegabytes);
  compare('megabytes of heap more', maxHeapGrowthMegabytes, growth);
  return problems;
}
