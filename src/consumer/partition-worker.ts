import { Backoff } from '../core/backoff.ts';
import { sleep } from '../core/sleep.ts';
import { Attempts } from './attempts.ts';
import { BatchSize } from './batch-size.ts';
import { errorText, isFinal } from './blame.ts';
import { FencedError, moveCheckpoint, saveError, saveFailure, type Claim } from './checkpoint.ts';
import { Excuses } from './excuses.ts';
import { handlePage, progressFrom, type PageProgress } from './handle-page.ts';
import type { HeldPartition } from './lease.ts';
import { giveUp } from './give-up.ts';
import type { PartitionParts } from './parts.ts';
import { readLanes } from './parked.ts';
import { ReadAhead } from './read-ahead.ts';
import { readNext, StrangeEpochError } from './read-next.ts';
import { retryLanes } from './retry-lanes.ts';

/** How often a position is saved that moved over nothing for the handler. */
const saveIntervalMs = 1_000;
const pauseMs = 100;

/**
 * Works through the events of one partition, one transaction after the other, until it is stopped.
 *
 *   whole pages --a page fails, or the last worker has died--> each event alone, its attempts counted before they begin
 *        ^                                                       |                                |
 *        +------------- the page is through <-------------------+        too many attempts: stop, or park the event
 */
export class PartitionWorker<Tx> {
  readonly #options: PartitionParts<Tx>;
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;
  readonly #backoff = new Backoff({ minMs: 200, maxMs: 30_000 });
  /** As the database had it when it was looked at last; position, attempts and the like are of this worker since. */
  #held: HeldPartition;
  #saved = { position: 0, at: 0 };
  /** Events up to here are handled alone. */
  #aloneUpTo = 0;
  readonly #ahead: ReadAhead;
  readonly #batch: BatchSize;
  readonly #attempts = new Attempts();
  readonly #excuses: Excuses;
  /** Lanes in which something is parked. */
  #lanes: Set<string> | undefined;
  #woken = new AbortController();

  constructor(options: PartitionParts<Tx>) {
    this.#options = options;
    this.#ahead = new ReadAhead(options.prepared);
    this.#batch = new BatchSize(options.options.batch);
    this.#excuses = new Excuses(options.options.idleTimeoutMs);
    this.#held = options.held;
    this.#adopt(options.held);
    this.#running = this.#run();
  }

  /** Everything up to `position` was handled, or parked, or was nothing for the handler. */
  get state(): Readonly<HeldPartition> {
    return { ...this.#held, error: this.#attempts.error };
  }

  /** What the database says of the partition now. */
  update(held: HeldPartition): void {
    const { generation, epoch, paused, asked } = this.#held;
    if (held.generation !== generation || held.epoch !== epoch) this.#adopt(held);
    else if (held.paused === paused && (asked || !held.asked)) return;
    // What is left of a lane nobody asks for any more.
    else this.#held = { ...this.#held, paused: held.paused, asked: asked || held.asked };
    this.#woken.abort();
  }

  /** Returns when the transaction in flight has ended. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#woken.abort();
    await this.#running;
  }

  #adopt(held: HeldPartition): void {
    // What is parked is looked at: the last worker may have gone in the middle of a lane.
    this.#held = { ...held, asked: true };
    this.#attempts.adopt(held);
    this.#saved = { position: held.position, at: performance.now() };
    this.#aloneUpTo = 0;
    this.#lanes = undefined;
    this.#ahead.drop();
  }

  get #claim(): Claim {
    const { partition, generation, epoch } = this.#held;
    return { name: this.#options.options.name, partition, generation, epoch };
  }

  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      this.#woken.abort();
      this.#woken = new AbortController();
      try {
        await this.#step();
      } catch (error) {
        await this.#recover(error);
      }
    }
    // What was in vain is looked at again by the next worker.
    await this.#save().catch(() => undefined);
  }

  async #step(): Promise<void> {
    const { control, head } = this.#options;
    const { paused, failed, asked } = this.#held;
    if (paused || failed) {
      this.#ahead.drop();
      return sleep(60_000, this.#woken.signal);
    }
    if (this.#held.epoch !== head.epoch) {
      // Whichever of the two is behind hears of it.
      head.doubt(this.#held.epoch);
      return sleep(pauseMs, this.#woken.signal);
    }
    this.#lanes ??= await readLanes(control, this.#claim);
    if (asked) {
      const claim = this.#claim;
      const isOver = () => this.#held.paused || this.#held.generation !== claim.generation;
      this.#held.asked = false;
      const work = { ...this.#options, claim, isOver, signal: this.#stopped.signal };
      if (await retryLanes(work, this.#lanes)) this.#held.asked = true;
    }
    if (head.position <= this.#held.position) return this.#held.asked ? undefined : this.#wait();
    if (this.#held.suspect) await this.#suspectNext();
    if (this.#held.position < this.#aloneUpTo) await this.#handleAlone(this.#lanes);
    else await this.#handleMany(this.#lanes);
    if (performance.now() - this.#saved.at > saveIntervalMs) await this.#save();
  }

  async #wait(): Promise<void> {
    const { head } = this.#options;
    const { signal } = this.#woken;
    const more = head.reached(this.#held.position + 1, signal);
    if (this.#held.position === this.#saved.position) return more;
    await Promise.race([more, sleep(saveIntervalMs, signal)]);
    if (head.position <= this.#held.position) await this.#save();
  }

  async #handleMany(lanes: Set<string>): Promise<void> {
    const progress = progressFrom(this.#held.position);
    try {
      await this.#handle(lanes, this.#batch.limit, progress);
      this.#batch.handled(progress);
    } catch (error) {
      this.#batch.failed();
      if (!this.#excuses.blames(error, this.#held.position, progress)) throw error;
      // One of them is; which one shows when each is handled alone.
      this.#aloneUpTo = progress.to;
      this.#warn(error, 'a page of events could not be handled; each is tried alone');
    }
  }

  async #handleAlone(lanes: Set<string>): Promise<void> {
    const { control, options } = this.#options;
    const claim = this.#claim;
    if (this.#attempts.count >= options.maxAttempts) return this.#giveUp();
    await this.#attempts.begin(control, claim);
    const progress = progressFrom(this.#held.position);
    try {
      await this.#handle(lanes, 1, progress);
      // Also where there was nothing to handle: the attempt was counted for nothing.
      if (this.#attempts.count > 0) await this.#save(true);
    } catch (error) {
      if (error instanceof FencedError) throw error;
      const isBlamed = this.#excuses.blames(error, this.#held.position, progress);
      await this.#attempts.failed(control, claim, error, isBlamed);
      if (!isBlamed) throw error;
      const { count } = this.#attempts;
      this.#warn(error, `an event could not be handled, attempt ${count} of ${options.maxAttempts}`);
      if (count < options.maxAttempts) await sleep(this.#backoff.next(), this.#woken.signal);
    }
  }

  async #handle(lanes: Set<string>, limit: number, progress: PageProgress): Promise<void> {
    const claim = this.#claim;
    const { position } = this.#held;
    const saved = this.#saved.position;
    const { signal } = this.#stopped;
    const ahead = this.#ahead;
    await handlePage({ ...this.#options, claim, position, saved, limit, lanes, ahead, signal }, progress);
    this.#backoff.reset();
    // Rewound just after it: what the database says counts.
    if (claim.generation !== this.#held.generation) return;
    this.#held.position = progress.to;
    if (progress.events > 0) this.#moved();
  }

  /** The page after the checkpoint may hold what ended the last worker. */
  async #suspectNext(): Promise<void> {
    const page = { claim: this.#claim, position: this.#held.position, limit: this.#batch.most };
    this.#aloneUpTo = (await readNext({ ...this.#options, ...page }, this.#options.prepared)).to;
    this.#held.suspect = false;
  }

  async #giveUp(): Promise<void> {
    const { position } = this.#held;
    const { count: attempts, error = 'the process ended while it handled this event' } = this.#attempts;
    const work = { ...this.#options, claim: this.#claim, position, saved: this.#saved.position };
    const parked = await giveUp({ ...work, failure: { error, attempts } });
    this.#held.failed = parked === undefined;
    if (!parked) return;
    // It may have taken others in.
    this.#lanes = undefined;
    this.#held.position = parked.position;
    this.#moved();
  }

  async #save(always = false): Promise<void> {
    const { position } = this.#held;
    this.#saved.at = performance.now();
    // Attempts at the next event are not over because time passes.
    if (position === this.#saved.position && !always) return;
    await moveCheckpoint(this.#options.prepared, this.#claim, { from: this.#saved.position, to: position });
    this.#moved();
  }

  #moved(): void {
    this.#saved = { position: this.#held.position, at: performance.now() };
    this.#attempts.over();
  }

  async #recover(error: unknown): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    if (isFinal(error)) {
      this.#held.failed = true;
      this.#warn(error, 'a consumer stands still: somebody has to do something about it');
      await saveFailure(this.#options.control, this.#claim, errorText(error)).catch(() => undefined);
      return;
    }
    if (error instanceof StrangeEpochError) return sleep(pauseMs, this.#woken.signal);
    const claim = this.#claim;
    // Whether a commit came through is not known, if it is that which failed: the database must say where we are.
    this.#held.generation = -1;
    if (error instanceof FencedError) return sleep(pauseMs, this.#woken.signal);
    this.#warn(error, 'a consumer could not go on; it tries again');
    // For the operator: it may be what is asked of the database that never succeeds.
    await saveError(this.#options.control, claim, errorText(error), 0).catch(() => undefined);
    await sleep(this.#backoff.next(), this.#stopped.signal);
  }

  #warn(error: unknown, message: string): void {
    const { options, logger } = this.#options;
    const { partition, position } = this.#held;
    logger.warn({ err: error, consumer: options.name, partition, position }, message);
  }
}
