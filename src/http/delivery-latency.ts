import { Distribution } from '../core/distribution.ts';
import type { Executor } from '../db/executor.ts';
import type { DeliveryTimes } from '../gateway/delivery-times.ts';
import { readClock } from '../log/read-clock.ts';
import { readCommitTimes } from '../log/read-commit-times.ts';

/** Seconds. */
const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** The quickest of so many answers says best what time it is over there. */
const askings = 3;

/**
 * How long events take from their commit, by the clock of the database alone: what this process has noted by its own
 * monotonic clock is taken over to it. So a difference between the clocks of two machines does not count.
 */
export class DeliveryLatency {
  readonly toDispatch = new Distribution(bounds);
  readonly toWrite = new Distribution(bounds);
  readonly #times: DeliveryTimes;

  constructor(times: DeliveryTimes) {
    this.#times = times;
  }

  /** Adds what was sampled since the last time. What the database does not answer for is lost: it is a sample. */
  async collect(db: Executor): Promise<void> {
    const samples = this.#times.take();
    if (samples.length === 0) return;
    const offset = await offsetOf(db);
    const committed = await readCommitTimes(
      db,
      samples.map(({ position }) => position),
    );
    for (const { position, dispatchedAt, writtenAt } of samples) {
      const at = committed.get(position);
      // Retention was faster.
      if (at === undefined) continue;
      const seconds = (local: number) => Math.max(local + offset - at, 0) / 1_000;
      this.toDispatch.add(seconds(dispatchedAt));
      if (writtenAt !== undefined) this.toWrite.add(seconds(writtenAt));
    }
  }
}

/** Milliseconds between `performance.now()` and the clock of the database. */
async function offsetOf(db: Executor): Promise<number> {
  let least = Infinity;
  let offset = 0;
  for (let asking = 0; asking < askings; asking += 1) {
    const began = performance.now();
    const clock = await readClock(db);
    const ended = performance.now();
    if (ended - began >= least) continue;
    least = ended - began;
    offset = clock - (began + ended) / 2;
  }
  return offset;
}
