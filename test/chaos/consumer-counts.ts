import type { ChaosInstance } from './instance.ts';
import type { ChaosPostgres } from './postgres.ts';

/** What was seen of one consumer, over all instances. */
export interface ConsumerCounts {
  name: string;
  /** Events in its read model at the end. */
  events: number;
  /** Events that handlers were given, as their processes last said, and how many of these no transaction kept. */
  handed: number;
  rolledBack: number;
  /** Claims of its partitions: takeovers, rewinds and rebuilds. */
  generations: number;
  /** Events that were parked because they failed; and all that were, with those that came after them. */
  poisoned: number;
  parked: number;
}

type Row = Omit<ConsumerCounts, 'handed' | 'rolledBack'> & { ever: number };

export async function countConsumers(
  postgres: ChaosPostgres,
  instances: readonly ChaosInstance[],
): Promise<ConsumerCounts[]> {
  const rows = await postgres.query<Row>(
    `select name,
       (select coalesce(sum(events), 0)::int from chaos.read_model where consumer = name) as events,
       (select coalesce(sum(ever), 0)::int from chaos.read_model where consumer = name) as ever,
       (select sum(generation)::int from commitcast.consumer_partition p where p.name = c.name) as generations,
       (select count(*)::int from chaos.parking where consumer = name and failed) as poisoned,
       (select count(*)::int from chaos.parking where consumer = name) as parked
     from commitcast.consumer c order by name`,
  );
  return rows.map(({ ever, ...row }) => {
    const handed = instances
      .flatMap((instance) => instance.handed)
      .reduce((sum, counts) => sum + (counts[row.name] ?? 0), 0);
    // The last words of a process that was killed are lost.
    return { ...row, handed, rolledBack: Math.max(handed - ever, 0) };
  });
}
