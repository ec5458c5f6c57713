import { Backoff } from '../core/backoff.ts';
import type { CommitcastEvent } from '../core/event.ts';
import { Flag } from '../core/flag.ts';
import type { Logger } from '../core/logger.ts';
import type { Service } from '../core/service.ts';
import { sleep } from '../core/sleep.ts';
import type { Executor } from '../db/executor.ts';
import type { Doorbell } from '../fanout/doorbell.ts';
import { readHead } from '../log/head.ts';
import { readRange } from '../log/read-range.ts';
import { SettledReader } from '../relay/settled-reader.ts';
import { batchesOf, type Batch } from './batches.ts';
import { Tail } from './tail.ts';

/** Work longer than this lets the event loop go on in between. */
const sliceMs = 20;
/** The leader is heard once a second; after so long a silence the log is looked at without being told. */
const silenceMs = 2_500;
/** Bytes between two looks at who has fallen behind. */
const volumeBytes = 128 * 1024;
/** Between two looks at a position that is still committing. */
const recheckMs = 2;

export interface DispatcherOptions {
  db: Executor;
  /** Gives events of one room union, rising, to the sockets of this instance. Must not throw. */
  deliver: (rooms: readonly string[], events: readonly CommitcastEvent[], position: number) => void;
  /** So much was delivered that somebody may have fallen behind: time to look. */
  onVolume: () => void;
  /** What live sessions have not got is gone, or of another history: they must be told. */
  onReset: (reason: 'epoch' | 'expired') => void;
  /** Bytes of recent events that are kept in memory. */
  tailBytes: number;
  logger: Logger;
}

/**
 * One per instance: takes settled events from the log to the local sockets, in order. Everything up to `position` has
 * been delivered here; between two awaits nothing else can be, which is what the hand-off of sessions rests on.
 */
export class Dispatcher implements Service {
  readonly #options: DispatcherOptions;
  readonly #stopped = new AbortController();
  readonly #rung = new Flag();
  readonly #waiters = new Set<{ position: number; resolve: () => void }>();
  #running: Promise<void> | undefined;
  #epoch = '';
  #position = 0;
  #target = 0;
  #tail = new Tail(0, 0);
  #beginning = 0;
  /** A doorbell was of another epoch: the database must say which is in force. */
  #strange = false;
  /** Something may be new; the log must show it. */
  #hinted = false;
  /** Bytes delivered since the last look at who has fallen behind. */
  #volume = 0;
  #settled = new SettledReader(0);

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
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    this.#release(() => true);
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

  /** A doorbell may have been missed. */
  look(): void {
    this.#hinted = true;
    this.#rung.raise();
  }

  /** Resolves when `position` has got there, the epoch is another one, or the signal aborts. */
  async reached(position: number, signal: AbortSignal): Promise<void> {
    if (this.#position >= position || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#waiters.delete(waiter);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const waiter = { position, resolve: done };
      this.#waiters.add(waiter);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    const backoff = new Backoff({ minMs: 20, maxMs: 1_000 });
    while (!signal.aborted) {
      await this.#rung.wait(this.#settled.waiting ? recheckMs : silenceMs, signal);
      const silent = !this.#rung.take();
      try {
        if (this.#strange || silent) await this.#orient();
        if (this.#hinted || silent) await this.#prove();
        while (this.#position < this.#target && !signal.aborted) await this.#dispatch();
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
    this.#strange = false;
    const { epoch, published, last } = await readHead(this.#options.db);
    // What was rung meanwhile may have been for the other epoch, and the last ring for a long time.
    this.#hinted = true;
    if (epoch === this.#epoch) return;
    const first = this.#epoch === '';
    this.#epoch = epoch;
    this.#position = published;
    this.#target = published;
    this.#beginning = last;
    this.#settled = new SettledReader(published);
    this.#tail = new Tail(published, this.#options.tailBytes);
    // Their position is of the epoch that has ended.
    this.#release(() => true);
    if (!first) this.#options.onReset('epoch');
  }

  async #prove(): Promise<void> {
    this.#hinted = false;
    if (this.#settled.head < this.#position) this.#settled = new SettledReader(this.#position);
    this.#target = Math.max(this.#target, await this.#settled.advance(this.#options.db));
  }

  async #dispatch(): Promise<void> {
    const { entries, to, floor } = await readRange(this.#options.db, this.#position, this.#target);
    if (floor > this.#position + 1) {
      // Retention was faster than this instance: never a silent hole.
      this.#tail = new Tail(floor - 1, this.#options.tailBytes);
      this.#moveTo(floor - 1);
      this.#options.onReset('expired');
      return;
    }
    let sliceEnd = performance.now() + sliceMs;
    for (const batch of batchesOf(entries)) {
      this.#deliver(batch);
      if (performance.now() < sliceEnd) continue;
      await new Promise((resolve) => setImmediate(resolve));
      sliceEnd = performance.now() + sliceMs;
    }
    this.#moveTo(to);
  }

  #deliver({ rooms, entries }: Batch): void {
    const position = entries.at(-1)?.event.position ?? this.#position;
    const events = entries.filter(({ control }) => !control);
    for (const { event, bytes } of events) {
      this.#tail.append(event, bytes);
      this.#volume += bytes;
    }
    this.#moveTo(position);
    if (events.length > 0)
      this.#options.deliver(
        rooms,
        events.map(({ event }) => event),
        position,
      );
    if (this.#volume < volumeBytes) return;
    this.#volume = 0;
    this.#options.onVolume();
  }

  #moveTo(position: number): void {
    this.#position = position;
    this.#release((waiter) => waiter.position <= position);
  }

  #release(isDue: (waiter: { position: number }) => boolean): void {
    for (const waiter of this.#waiters) {
      if (!isDue(waiter)) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }
}
