import type { CommitcastEvent } from '../core/event.ts';
import { executorOf } from '../log/transaction.ts';
import { enter, moveCheckpoint, type Claim } from './checkpoint.ts';
import { inTransaction, type Database } from './database.ts';
import { handleEntries } from './handle-entries.ts';
import type { ResolvedOptions } from './options.ts';
import { park } from './parked.ts';
import type { ReadAhead } from './read-ahead.ts';
import { assertFollowed, readNext } from './read-next.ts';
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
  ahead: ReadAhead;
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

/**
 * One transaction: reads a page, hands its events to the handler, moves the checkpoint. What is
 * read and where the checkpoint stands are of one history, also when the server was replaced a moment ago.
 *
 * A page without events moves nothing in the database: whoever calls this knows how far it is, and saves it now and then.
 */
export async function handlePage<Tx>(work: PageWork<Tx>, progress: PageProgress): Promise<void> {
  const { db, options, head, claim, position, limit } = work;
  const ahead = await work.ahead.take(position);
  await inTransaction(db, async (tx) => {
    const executor = executorOf(tx);
    assertFollowed(head, await enter(executor, claim, options.idleTimeoutMs));
    const { entries, to } = ahead ?? (await readNext(work, executor));
    if (limit > 1) work.ahead.prepare({ options, head, claim, position: to, limit });
    progress.to = to;
    progress.events = entries.flatMap(({ event, control }) => (control ? [] : [event]));
    progress.moves = entries.length > 0;
    if (!progress.moves) return;
    const behind = await handleEntries(tx, entries, work);
    await park(executor, claim, behind);
    await moveCheckpoint(executor, claim, work.saved, to);
  });
}
