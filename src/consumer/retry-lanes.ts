import type { Executor } from '../db/executor.ts';
import type { Logger } from '../core/logger.ts';
import { executorOf } from '../log/transaction.ts';
import { errorText, isPassing, isToBlame, type Stage } from './blame.ts';
import { enter, holdClaim, type Claim } from './checkpoint.ts';
import { inTransaction, type Database } from './database.ts';
import { whileEntered } from './handle-page.ts';
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
  /** Whether somebody wants the worker for something else. */
  isOver: () => boolean;
}

/** So long at once: other lanes, and what is new, shall not wait for a long one. */
const turnMs = 500;

/**
 * Does what operators have asked for of what is parked, for a while; takes the lanes that are free again out of the set.
 * Returns whether there is more to do at once.
 */
export async function retryLanes<Tx>(given: LanesWork<Tx>, lanes: Set<string>): Promise<boolean> {
  const { control, claim } = given;
  const deadline = performance.now() + turnMs;
  const isWanted = () => given.signal.aborted || given.isOver();
  const work = { ...given, isOver: () => isWanted() || performance.now() >= deadline };
  let isMore = false;
  // Each once: an event that is asked for behind one that holds its lane stays asked for. And each at least one event,
  // whatever the lanes before it took.
  for (const lane of await readAskedLanes(control, claim)) {
    if (isWanted()) return true;
    const end = await retryLane(work, lane);
    if (end === 'free') lanes.delete(lane);
    isMore ||= end === 'unfinished';
  }
  return isMore;
}

/**
 * Works through what is parked in a lane, in order, as far as an operator has asked for it: the event that failed is
 * tried once more, or dropped; what waited behind it follows, until one fails, or the turn is over.
 */
async function retryLane<Tx>(work: LanesWork<Tx>, lane: string): Promise<'free' | 'held' | 'unfinished'> {
  const { control, claim, logger } = work;
  do {
    // Wherever in the lane they are.
    for (const { position, error } of await dropAsked(control, claim, lane))
      logger.warn({ ...claim, lane, position, error }, 'a parked event was dropped, as the operator asked');
    const [first] = await readLane(control, claim, lane, 1);
    if (!first) return 'free';
    const { error, asked } = first;
    if (asked === 'drop') continue;
    // One that has failed, and that nobody asks for, holds the lane.
    if (error !== undefined && asked === undefined) return 'held';
    if (!(await tryParked(work, first))) return 'held';
  } while (!work.isOver());
  return 'unfinished';
}

async function tryParked<Tx>(work: LanesWork<Tx>, { position, lane }: ParkedEvent): Promise<boolean> {
  const { control, db, options, claim, logger, signal } = work;
  await beginParkedAttempt(control, claim, position);
  let stage: Stage = 'before';
  const began = performance.now();
  try {
    const events = await readEventsAt(control, [position]);
    await inTransaction(db, async (tx) => {
      const executor = executorOf(tx);
      const entered = await enter(executor, claim, options.idleTimeoutMs);
      stage = 'handler';
      await whileEntered(executor, entered, async () => {
        if (events.length === 0)
          throw new Error(`event ${position} is no longer kept; it can only be dropped`);
        await options.handler(tx, events, { signal });
      });
      stage = 'after';
      await unpark(executor, claim, [position]);
      await holdClaim(executor, claim, entered);
    });
    return true;
  } catch (error) {
    if (!isToBlame(error, stage, performance.now() - began >= options.idleTimeoutMs)) {
      await askAgain(control, claim, position);
      // What passes is tried again a little later; the others can go on.
      if (!isPassing(error)) throw error;
      logger.warn(
        { err: error, ...claim, lane, position },
        'a parked event could not be handled; it is tried again',
      );
      return false;
    }
    logger.warn(
      { err: error, ...claim, lane, position },
      'a parked event could not be handled; it stays parked',
    );
    await saveParkedError(control, claim, position, errorText(error));
    return false;
  }
}
