import type { Executor } from '../db/executor.ts';
import type { Logger } from '../core/logger.ts';
import { executorOf } from '../log/transaction.ts';
import { errorText, isToBlame } from './blame.ts';
import { enter, holdClaim, type Claim } from './checkpoint.ts';
import { inTransaction, type Database } from './database.ts';
import type { ResolvedOptions } from './options.ts';
import {
  askAgain,
  beginParkedAttempt,
  dropAsked,
  readAskedLanes,
  readEventsAt,
  readLane,
  saveParkedError,
  unpark,
  type ParkedEvent,
} from './parked.ts';

export interface LanesWork<Tx> {
  control: Executor;
  db: Database<Tx>;
  options: ResolvedOptions<Tx>;
  claim: Claim;
  logger: Logger;
  signal: AbortSignal;
}

/** Does what operators have asked for of what is parked; takes the lanes that are free again out of the set. */
export async function retryLanes<Tx>(work: LanesWork<Tx>, lanes: Set<string>): Promise<void> {
  const { control, claim, signal } = work;
  // Each once: an event that is asked for behind one that holds its lane stays asked for.
  for (const lane of await readAskedLanes(control, claim)) {
    if (signal.aborted) return;
    if (await retryLane(work, lane)) lanes.delete(lane);
  }
}

/**
 * Works through what is parked in a lane, in order, as far as an operator has asked for it: the event that failed is
 * tried once more, or dropped; what waited behind it follows, until one fails. Returns whether the lane is free again.
 */
async function retryLane<Tx>(work: LanesWork<Tx>, lane: string): Promise<boolean> {
  const { control, claim, logger, signal } = work;
  while (!signal.aborted) {
    // Wherever in the lane they are.
    for (const { position, error } of await dropAsked(control, claim, lane))
      logger.warn({ ...claim, lane, position, error }, 'a parked event was dropped, as the operator asked');
    const [first] = await readLane(control, claim, lane, 1);
    if (!first) return true;
    const { error, asked } = first;
    if (asked === 'drop') continue;
    // One that has failed, and that nobody asks for, holds the lane.
    if (error !== undefined && asked === undefined) return false;
    if (!(await tryParked(work, first))) return false;
  }
  return false;
}

async function tryParked<Tx>(work: LanesWork<Tx>, { position, lane }: ParkedEvent): Promise<boolean> {
  const { control, db, options, claim, logger, signal } = work;
  await beginParkedAttempt(control, claim, position);
  try {
    await inTransaction(db, async (tx) => {
      const executor = executorOf(tx);
      await enter(executor, claim, options.idleTimeoutMs);
      const events = await readEventsAt(executor, [position]);
      if (events.length === 0) throw new Error(`event ${position} is no longer kept; it can only be dropped`);
      await options.handler(tx, events, { signal });
      await unpark(executor, claim, [position]);
      await holdClaim(executor, claim);
    });
    return true;
  } catch (error) {
    if (!isToBlame(error)) {
      await askAgain(control, claim, position);
      throw error;
    }
    logger.warn(
      { err: error, ...claim, lane, position },
      'a parked event could not be handled; it stays parked',
    );
    await saveParkedError(control, claim, position, errorText(error));
    return false;
  }
}
