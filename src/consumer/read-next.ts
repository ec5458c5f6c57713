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

/** @throws {StrangeEpochError} when what the database shows is not of the history that is followed */
export function assertFollowed(head: SettledHead, epoch: string | undefined): void {
  if (epoch === head.epoch) return;
  head.doubt(epoch);
  throw new StrangeEpochError('the database has another history than the one that is followed');
}

export interface NextPage {
  options: Pick<ResolvedOptions<never>, 'scope' | 'types' | 'partitions'>;
  head: SettledHead;
  claim: Claim;
  position: number;
  limit: number;
}

/** The page after the position, in the history that is followed. */
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
  assertFollowed(head, page.epoch);
  if (page.floor > position + 1)
    throw new CommitcastError(
      'HISTORY_EXPIRED',
      `Events after position ${position} are no longer kept; the oldest is ${page.floor}`,
    );
  return page;
}
