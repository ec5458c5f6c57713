import { CommitcastError } from '../core/errors.ts';
import type { Executor } from '../db/executor.ts';
import { readPage, type RangePage } from '../log/read-page.ts';
import type { Claim } from './checkpoint.ts';
import type { ResolvedOptions } from './options.ts';
import type { SettledHead } from './settled-head.ts';

/** The database has another history than the one that is followed: nothing was handled. */
export class StrangeEpochError extends Error {
  override readonly name = 'StrangeEpochError';
}

/** What comes next for the consumer is no longer kept. Not to be taken for what a handler meets in its own reading. */
export class ConsumerExpiredError extends CommitcastError {
  constructor(position: number, floor: number) {
    super('HISTORY_EXPIRED', `Events after position ${position} are no longer kept; the oldest is ${floor}`);
  }
}

export interface NextPage {
  options: Pick<ResolvedOptions<never>, 'scope' | 'types' | 'partitions'>;
  head: SettledHead;
  claim: Claim;
  position: number;
  limit: number;
}

/** The page after the position, in the history that the claim is of. */
export async function readNext(
  { head, options, claim, position, limit }: NextPage,
  db: Executor,
): Promise<RangePage> {
  const { scope, types, partitions } = options;
  const page = await readPage(db, {
    after: position,
    upTo: head.position,
    limit,
    scope,
    types,
    partition: partitions > 1 ? { index: claim.partition, count: partitions } : undefined,
  });
  if (page.epoch !== claim.epoch || page.epoch !== head.epoch) {
    head.doubt(page.epoch);
    throw new StrangeEpochError('the database has another history than the one that is followed');
  }
  if (page.floor > position + 1) throw new ConsumerExpiredError(position, page.floor);
  return page;
}
