import type { Flag } from '../core/flag.ts';
import { inTime, sleep } from '../core/sleep.ts';
import type { Executor } from '../db/executor.ts';
import type { HeldLock } from '../db/held-lock.ts';
import { readCommitting } from '../log/read-committing.ts';
import { ArrivalRate } from './arrival-rate.ts';
import { RelayCounts } from './relay-counts.ts';
import type { SettledReader } from '../log/settled-reader.ts';

/** While awake, the time between two reads that find nothing. */
const pollIntervalMs = 1;
/** While awake, what is new is left to gather for as long as it took to read the last, but no longer than that. */
const maxRestMs = 10;
/** Awake and without anything new for so long: fall asleep. */
const idleMs = 30;
/** The same at a trickle, which is sooner heard of by a notification than by a poll. */
const trickleIdleMs = 3;
/** Asleep, a read happens at least so often, should a notification be lost. */
const fallbackIntervalMs = 5_000;
/** Somebody else's look is not waited for any longer. */
const lookPatienceMs = 20;
/** Asleep while LISTEN is down. */
const deafIntervalMs = 20;

export interface PumpOptions {
  /** The connection that reads; nothing else uses it. */
  db: Executor;
  reader: SettledReader;
  /** The lock AWAKE. */
  awake: Pick<HeldLock, 'held' | 'request' | 'release'>;
  /** Raised by every notification. */
  notified: Flag;
  isListening: () => boolean;
  /**
   * Asked first when a notification wakes: somebody else's look at the log. Resolves with how far all is settled, when that
   * is all there is; otherwise with nothing, or with less, and the pump reads for itself.
   */
  look: () => Promise<number | undefined>;
  onSettled: (from: number, to: number) => void;
  /** Counted into, if given. */
  counts?: RelayCounts | undefined;
  signal: AbortSignal;
}

/**
 * Moves the settled head until the signal aborts, or the connection fails.
 *
 *            a stream of events: request AWAKE
 *   asleep ------------------------------------------> awake (polls; writers need not NOTIFY)
 *     ^                                                  |
 *     +--- nobody held COMMITTING after the release, <---+ a trickle, or idle: release AWAKE
 *          and one more read found nothing
 *
 * It starts awake: the lock may still be held for a relay that died, so that writers are silent. And from the moment
 * that AWAKE is asked for, writers may be silent; so being awake does not wait for the lock, but sleeping needs it.
 */
export async function pump(options: PumpOptions): Promise<void> {
  const { db, reader, awake, notified, signal, counts = new RelayCounts() } = options;
  const arrivals = new ArrivalRate();
  let asleep = false;
  let quietSince = performance.now();
  counts.waits.forget();

  const settled = (from: number, to: number): boolean => {
    arrivals.add(to - from);
    if (to > from) {
      counts.batches.add(to - from);
      options.onSettled(from, to);
    }
    return to > from;
  };
  const advance = async (): Promise<boolean> => {
    const from = reader.head;
    const to = await reader.advance(db);
    counts.reads += 1;
    counts.waits.see(reader);
    return settled(from, to) || reader.waiting;
  };
  /** Whether that has spared a read. */
  const watch = async (): Promise<boolean> => {
    const seen = await inTime(options.look(), lookPatienceMs).catch(() => undefined);
    const from = reader.head;
    if (seen === undefined || seen <= from) return false;
    reader.reach(seen);
    counts.waits.see(reader);
    return settled(from, seen);
  };

  while (!signal.aborted) {
    const woken = notified.take();
    const seen = woken && asleep && (await watch());
    const began = performance.now();
    const busy = !seen && (await advance());
    const tookMs = performance.now() - began;
    if (arrivals.isStream) asleep = false;
    if (!asleep) awake.request();
    if (seen || busy) quietSince = performance.now();
    if (busy) {
      // A gap closes within a commit; ask again soon, but not in a tight loop.
      if (reader.waiting || !asleep)
        await sleep(Math.min(Math.max(tookMs, pollIntervalMs), maxRestMs), signal);
    } else if (asleep) {
      await notified.wait(options.isListening() ? fallbackIntervalMs : deafIntervalMs, signal);
    } else if (awake.held && options.isListening() && performance.now() - quietSince >= idleMsOf(arrivals)) {
      await awake.release();
      // In this order: who was silent because of us is seen holding COMMITTING, or has become visible to the read.
      asleep = (await readCommitting(db)).length === 0 && !(await advance());
      if (asleep) counts.sleeps += 1;
      quietSince = performance.now();
    } else {
      await notified.wait(pollIntervalMs, signal);
    }
  }
}

const idleMsOf = ({ isTrickle }: ArrivalRate): number => (isTrickle ? trickleIdleMs : idleMs);
