import type { CommitcastEvent } from '../core/event.ts';
import { CommitcastError } from '../core/errors.ts';
import type { Executor } from '../db/executor.ts';
import { readPage } from '../log/read-page.ts';
import type { RangePage } from '../log/read-page.ts';
import { executorOf } from '../log/transaction.ts';
import { enter, moveCheckpoint, type Claim } from './checkpoint.ts';
import { inTransaction, type Database } from './database.ts';
import { handleEntries } from './handle-entries.ts';
import type { ResolvedOptions } from './options.ts';
import { park } from './parked.ts';
import type { SettledHead } from './settled-head.ts';

export interface PageWork<Tx> {
  db: Database<Tx>;
  options: ResolvedOptions<Tx>;
  head: SettledHead;
  claim: Claim;
  /** Everything up to here was handled, or was nothing for the handler. */
  position: number;
  /** Where the checkpoint stands in the database: it follows lazily where there was nothing to handle. */
  saved: number;
  limit: number;
  /** Lanes in which something is parked: what comes after it is parked, too. */
  lanes: ReadonlySet<string>;
  signal: AbortSignal;
}

/** What a page held, as far as it was read when something went wrong. */
export interface PageProgress {
  /** Everything up to here was looked at. */
  to: number;
  events: CommitcastEvent[];
  /** The checkpoint moves to `to` with the transaction. */
  moves: boolean;
}

/** The database has another history than the one that is followed: nothing was handled. */
export class StrangeEpochError extends Error {
  override readonly name = 'StrangeEpochError';
}

/**
 * One transaction: reads a page, hands its events to the handler, moves the checkpoint. All on one connection, so that
 * what is read and where the checkpoint stands are of one history, also when the server was replaced a moment ago.
 *
 * A page without events moves nothing in the database: whoever calls this knows how far it is, and saves it now and then.
 */
export async function handlePage<Tx>(work: PageWork<Tx>, progress: PageProgress): Promise<void> {
  const { db, options, claim } = work;
  await inTransaction(db, async (tx) => {
    const executor = executorOf(tx);
    await enter(executor, claim, options.idleTimeoutMs);
    const { entries, to } = await readNext(work, executor);
    progress.to = to;
    progress.events = entries.flatMap(({ event, control }) => (control ? [] : [event]));
    progress.moves = entries.length > 0;
    if (!progress.moves) return;
    const behind = await handleEntries(tx, entries, work);
    await park(executor, claim, behind);
    await moveCheckpoint(executor, claim, work.saved, to);
  });
}

/** The page after the position, in the history that is followed. */
export async function readNext<Tx>(
  { head, options, claim, position, limit }: Omit<PageWork<Tx>, 'db' | 'saved' | 'lanes' | 'signal'>,
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
  if (page.epoch !== head.epoch) {
    head.doubt(page.epoch);
    throw new StrangeEpochError('the database has another history than the one that is followed');
  }
  if (page.floor > position + 1)
    throw new CommitcastError(
      'HISTORY_EXPIRED',
      `Events after position ${position} are no longer kept; the oldest is ${page.floor}`,
    );
  return page;
}
