import type { Executor } from '../db/executor.ts';
import { sqlStateOf } from '../db/sql-state.ts';
import { executorOf } from '../log/transaction.ts';
import { LostConnectionError, type Stage } from './blame.ts';
import {
  enter,
  moveCheckpoint,
  statusOf,
  TransactionEndedError,
  type Claim,
  type Entered,
} from './checkpoint.ts';
import { inTransaction, type Database } from './database.ts';
import { handleEntries } from './handle-entries.ts';
import type { ResolvedOptions } from './options.ts';
import { park } from './parked.ts';
import type { ReadAhead } from './read-ahead.ts';
import { readNext } from './read-next.ts';
import type { SettledHead } from './settled-head.ts';

export interface PageWork<Tx> {
  /** Where pages are read. */
  prepared: Executor;
  /** Where the handler's transactions come from. */
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
  ahead: ReadAhead;
  signal: AbortSignal;
}

/** How far a page has come, also when something went wrong. */
export interface PageProgress {
  /** Everything up to here was looked at. */
  to: number;
  /** For the handler. When there are any, the checkpoint moves to `to` with the transaction. */
  events: number;
  stage: Stage;
  /** As `performance.now()` has it. */
  began: number;
}

export function progressFrom(position: number): PageProgress {
  return { to: position, events: 0, stage: 'before', began: performance.now() };
}

/**
 * One transaction: hands a page to the handler, and moves the checkpoint. The page is read before it, on a connection of
 * ours; what is settled does not change. The claim says which history it must be of, and so must be the history that the
 * transaction sees: the server may have been replaced a moment ago.
 *
 * A page without entries is none of the database's business: whoever calls this knows how far it is, and saves it now
 * and then.
 */
export async function handlePage<Tx>(work: PageWork<Tx>, progress: PageProgress): Promise<void> {
  const { prepared, db, options, head, claim, position, saved, limit } = work;
  const ahead = await work.ahead.take(position);
  const { entries, to } = ahead && ahead.epoch === claim.epoch ? ahead : await readNext(work, prepared);
  progress.to = to;
  progress.events = entries.length;
  if (limit > 1) work.ahead.prepare({ options, head, claim, position: to, limit });
  if (progress.events === 0) return;
  await inTransaction(db, async (tx) => {
    const executor = executorOf(tx);
    const entered = await enter(executor, claim, options.idleTimeoutMs);
    progress.stage = 'handler';
    const behind = await whileEntered(executor, entered, () => handleEntries(tx, entries, work));
    progress.stage = 'after';
    await park(executor, claim, behind);
    await moveCheckpoint(executor, claim, { from: saved, to, entered });
  });
}

/** What goes wrong in it is told from the loss of its connection, and from the end of its transaction. */
export async function whileEntered<Result>(
  tx: Executor,
  entered: Entered,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const status = await statusOf(tx, entered).catch((lost: unknown) => {
      // A transaction that has failed, and still is there: as it should be.
      if (sqlStateOf(lost) === '25P02') return 'entered';
      throw new LostConnectionError('the connection of the handler was lost', { cause: error });
    });
    // Rolled back by the handler itself: that was to come anyway.
    throw status === 'committed' ? new TransactionEndedError() : error;
  }
}
