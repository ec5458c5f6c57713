import { CommitcastError } from '../core/errors.ts';
import { rowsOf, type Executor } from '../db/executor.ts';

export interface Registration {
  name: string;
  partitions: number;
  scope: object | undefined;
  types: readonly string[] | undefined;
  rebuildable: boolean;
  /** Last position that it shall not be given, when it is new. */
  after: number;
}

/**
 * Makes the consumer known, at its first start; any number of instances may do so at once.
 *
 * @throws {CommitcastError} `CONSUMER_CHANGED` when it is known with another number of partitions
 */
export async function register(db: Executor, registration: Registration): Promise<void> {
  const { name, partitions, scope, types, rebuildable, after } = registration;
  // One statement, so that nobody sees a consumer without its partitions.
  const [row] = await rowsOf(
    db,
    `with known as (
       insert into commitcast.consumer (name, partitions, scope, types, rebuildable) values ($1, $2, $3, $4, $5)
       on conflict (name) do update set scope = $3, types = $4, rebuildable = $5 where consumer.partitions = $2
       returning name, xmax = 0 as is_new
     ), parts as (
       insert into commitcast.consumer_partition (name, partition, position)
       select name, part, $6 from known, generate_series(0, $2::int - 1) part where is_new
       returning name, partition
     ), leases as (
       insert into commitcast.consumer_lease (name, partition) select name, partition from parts
     )
     select 1 from known`,
    [name, partitions, scope === undefined ? null : JSON.stringify(scope), types ?? null, rebuildable, after],
  );
  if (!row)
    throw new CommitcastError(
      'CONSUMER_CHANGED',
      `Consumer ${name} is known with another number of partitions than ${partitions}`,
    );
}
