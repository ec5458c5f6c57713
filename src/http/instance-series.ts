import type { Instance } from './instance.ts';
import type { MetricsRegistry } from './metrics-registry.ts';
import { version } from './version.ts';

/** What an instance is, what it has logged, and how its connections to the database are used. */
export function instanceSeries(registry: MetricsRegistry, { pools, problems }: Instance): void {
  const byPool = Object.entries(pools);
  registry.numbers('commitcast_info', () => [[{ version, node: process.versions.node }, 1]]);
  registry.numbers('commitcast_pool_connections', () =>
    byPool.flatMap(([pool, { totalCount, idleCount }]) => [
      [{ pool, state: 'busy' }, totalCount - idleCount] as const,
      [{ pool, state: 'idle' }, idleCount] as const,
    ]),
  );
  registry.numbers('commitcast_pool_max_connections', () =>
    byPool.map(([pool, { options }]) => [{ pool }, options.max] as const),
  );
  registry.numbers('commitcast_pool_waiting_requests', () =>
    byPool.map(([pool, { waitingCount }]) => [{ pool }, waitingCount] as const),
  );
  registry.numbers('commitcast_log_lines_total', () => {
    const { warnings, errors } = problems.report;
    return [
      [{ level: 'warn' }, warnings],
      [{ level: 'error' }, errors],
    ];
  });
}
