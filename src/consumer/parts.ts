import type { Pool } from 'pg';
import type { Logger } from '../core/logger.ts';
import type { Executor } from '../db/executor.ts';
import type { Database } from './database.ts';
import type { HeldPartition } from './lease.ts';
import type { ResolvedOptions } from './options.ts';
import type { SettledHead } from './settled-head.ts';

/** What a consumer works with. */
export interface ConsumerParts<Tx> {
  options: ResolvedOptions<Tx>;
  /** For the consumer's own bookkeeping; it waits for no handler. */
  control: Pool;
  /** The same connections, for statements that are run again and again, outside of transactions. */
  prepared: Executor;
  /** Where the handler's transactions come from. */
  db: Database<Tx>;
  head: SettledHead;
  logger: Logger;
}

/** What the worker of one of its partitions works with. */
export interface PartitionParts<Tx> extends ConsumerParts<Tx> {
  held: HeldPartition;
}
