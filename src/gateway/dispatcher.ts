import { Backoff } from '../core/backoff.ts';
import type { Cursor } from '../core/cursor.ts';
import { Flag } from '../core/flag.ts';
import { inSlices } from '../core/in-slices.ts';
import { Question } from '../core/question.ts';
import type { Service } from '../core/service.ts';
import { sleep } from '../core/sleep.ts';
import type { Doorbell } from '../fanout/doorbell.ts';
import { openEpoch, readEpochEnd } from '../log/epoch.ts';
import { readHead, type Head } from '../log/head.ts';
import type { RangePage } from '../log/read-page.ts';
import { readRange } from '../log/read-range.ts';
import { UntoldReader } from '../log/untold-reader.ts';
import { batchesOf, type Batch } from './batches.ts';
import type { DispatcherOptions } from './dispatcher-options.ts';
import { recall } from './recall.ts';
import { Tail } from './tail.ts';
import { Waiters } from '../core/waiters.ts';

/** After so long without a doorbell that says more, the log is looked at without being told. */
const silenceMs = 2_500;
/** Between two looks at a position that is still committing. */
const recheckMs = 2;

/**
 * One per instance: takes settled events from the log to the local sockets, in order. Everything up to `position` has
 * been delivered here; between two awaits nothing else can be, which is what the hand-off of sessions rests on.
 */
export class Dispatcher implements Service {
  readonly #options: DispatcherOptions;
  readonly #stopped = new AbortController();
  readonly #rung = new Flag();
  readonly #waiters = new Waiters();
  #running: Promise<void> | undefined;
  #epoch = '';
  #position = 0;
  #target = 0;
  #tail = new Tail(0, 0);
  #beginning = 0;
  /** Something was of another epoch: the database must say which is in force. */
  #strange = false;
  #unopened = false;
  /** Something may be new; the log must show it. */
  #hinted = false;
  #untold = new UntoldReader(0);
  readonly #isThereMore = new Question<Cursor | undefined>();

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  get epoch(): string {
    return this.#epoch;
  }

  /** Everything up to here was delivered by this instance, or came before it started. */
  get position(): number {
    return this.#position;
  }

  /**
   * Where somebody who wants what comes from now on begins. The published position is saved lazily, so right after a
   * start `position` lags behind what was in the log already.
   */
  get present(): number {
    return Math.max(this.#position, this.#beginning);
  }

  get tail(): Tail {
    return this.#tail;
  }

  async start(): Promise<void> {
    await this.#orient();
    this.#tail = await recall(this.#options.db, this, this.#options.tailBytes);
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    void this.#isThereMore.take()(undefined);
    this.#waiters.release(Infinity);
  }

  /** This process's own relay has proved that all is settled up to `to`. */
  ring({ epoch, to }: Doorbell): void {
    if (epoch === this.#epoch) this.#target = Math.max(this.#target, to);
    else this.#strange = true;
    this.#rung.raise();
  }

  /**
   * Somebody says that there is more. It may be lost, repeated, late or forged; so what it says is not believed: the
   * log is looked at, and what is settled there is proved here.
   */
  hint({ epoch, to }: Doorbell): void {
    if (epoch !== this.#epoch) this.#strange = true;
    else if (to <= this.#position) return;
    this.#hinted = true;
    this.#rung.raise();
  }

  /**
   * There may be more. Resolves with how far all is settled, when that is all that could be seen; otherwise with nothing.
   */
  look(): Promise<Cursor | undefined> {
    this.#hinted = true;
    this.#rung.raise();
    return this.#isThereMore.ask();
  }

  /** The log has shown another epoch than this one; `undefined`: one that nobody has opened yet. */
  doubt(epoch: string | undefined): void {
    this.#strange = true;
    this.#unopened ||= epoch === undefined;
    this.#rung.raise();
  }

  /** Resolves when `position` has got there, the epoch is another one, or the signal aborts. */
  async reached(position: number, signal: AbortSignal): Promise<void> {
    if (this.#position < position) await this.#waiters.wait(position, signal);
  }

  /** Resolves when another epoch is in force, or the signal aborts. */
  nextEpoch(signal: AbortSignal): Promise<void> {
    // No position is reached before everybody is released.
    return this.#waiters.wait(Infinity, signal);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    const backoff = new Backoff({ minMs: 20, maxMs: 1_000 });
    while (!signal.aborted) {
      await this.#rung.wait(this.#untold.waiting ? recheckMs : silenceMs, signal);
      const silent = !this.#rung.take();
      try {
        // Until it has succeeded.
        this.#strange ||= silent;
        if (this.#strange) await this.#orient();
        if (this.#hinted || silent) await this.#look();
        while (this.#position < this.#target && !this.#strange && !signal.aborted) await this.#dispatch();
        backoff.reset();
      } catch (error) {
        if (signal.aborted) return;
        this.#options.logger.warn({ err: error }, 'the dispatcher could not read the log; it tries again');
        await sleep(backoff.next(), signal);
        this.#rung.raise();
      }
    }
  }

  /** Asks the database, and only it, which history this is and how far it is settled. */
  async #orient(): Promise<void> {
    const { db } = this.#options;
    if (this.#unopened) await openEpoch(db);
    this.#unopened = false;
    const head = await readHead(db);
    // What was rung meanwhile may have been for the other epoch, and the last ring for a long time.
    this.#hinted = true;
    if (head.epoch !== this.#epoch) await this.#enter(head);
    this.#strange = false;
  }

  async #enter(head: Head): Promise<void> {
    const { db, enter } = this.#options;
    const first = this.#epoch === '';
    const ended = first ? undefined : await readEpochEnd(db, this.#epoch);
    const isWhole = ended !== undefined && this.#position <= ended;
    await enter(!first && !isWhole);
    if (isWhole) this.#goOn(head, ended);
    else this.#goBack(head, ended);
    // They look at their position anew: it is of the epoch that has ended.
    this.#waiters.release(Infinity);
  }

  /** All that was delivered is part of the new history, too. */
  #goOn({ epoch }: Head, ended: number): void {
    this.#epoch = epoch;
    this.#target = this.#position;
    this.#beginning = Math.min(this.#beginning, ended);
    this.#untold = new UntoldReader(this.#position);
  }

  /** This is the first history; or what was delivered after the end of the last one is gone. */
  #goBack({ epoch, published, last }: Head, ended: number | undefined): void {
    const position = ended ?? published;
    this.#epoch = epoch;
    this.#position = position;
    this.#target = position;
    this.#beginning = ended ?? last;
    this.#untold = new UntoldReader(position);
    this.#tail = new Tail(position, this.#options.tailBytes);
  }

  async #look(): Promise<void> {
    const { db } = this.#options;
    const reply = this.#isThereMore.take();
    this.#hinted = false;
    try {
      const { rest, ...page } = await this.#untold.read(db, this.#position);
      const { epoch, to: position } = page;
      // Before it is delivered: other instances wait to hear of it.
      if (rest === 'nothing' && epoch === this.#epoch) await reply({ epoch, position });
      await this.#take(page);
      if (rest === 'more') this.#hinted = true;
      if (rest === 'gap') this.#target = Math.max(this.#target, await this.#untold.prove(db));
    } catch (error) {
      this.#hinted = true;
      throw error;
    } finally {
      void reply(undefined);
    }
    if (this.#hinted) this.#rung.raise();
  }

  async #dispatch(): Promise<void> {
    await this.#take(await readRange(this.#options.db, this.#position, this.#target));
  }

  async #take({ entries, to, floor, epoch }: RangePage): Promise<void> {
    if (epoch !== this.#epoch) {
      this.doubt(epoch);
      return;
    }
    if (floor > this.#position + 1) {
      // Retention was faster than this instance: never a silent hole. Revocations may have been in it.
      await this.#options.enter(true);
      this.#tail = new Tail(floor - 1, this.#options.tailBytes);
      this.#moveTo(floor - 1);
      return;
    }
    await inSlices(batchesOf(entries), this.#deliver.bind(this), this.#options.flush);
    this.#moveTo(to);
  }

  #deliver(batch: Batch): void {
    const { events, position, control } = batch;
    if (control) this.#options.flush();
    this.#tail.take(batch);
    if (control) this.#options.onControl(control);
    this.#moveTo(position);
    if (events.length > 0) this.#options.deliver(batch);
  }

  #moveTo(position: number): void {
    this.#position = position;
    this.#waiters.release(position);
  }
}
