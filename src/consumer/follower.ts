import type { Pool } from 'pg';
import { Backoff } from '../core/backoff.ts';
import { Flag } from '../core/flag.ts';
import type { Logger } from '../core/logger.ts';
import type { Service } from '../core/service.ts';
import { sleep } from '../core/sleep.ts';
import { Waiters } from '../core/waiters.ts';
import type { Executor } from '../db/executor.ts';
import { prepared } from '../db/prepared.ts';
import type { Doorbell } from '../fanout/doorbell.ts';
import { openEpoch, readEpochEnd } from '../log/epoch.ts';
import { readHead } from '../log/head.ts';
import { SettledReader } from '../log/settled-reader.ts';
import type { SettledHead } from './settled-head.ts';

/** After so long without a doorbell, the log is looked at without being told. */
const silenceMs = 2_500;
/** Between two looks at a position that is still committing. */
const recheckMs = 2;

/**
 * Knows how far the log is settled, for a process that delivers to nobody. Like the dispatcher it believes no doorbell:
 * each is a reason to look.
 */
export class Follower implements Service, SettledHead {
  readonly #db: Executor;
  readonly #logger: Logger;
  readonly #stopped = new AbortController();
  readonly #rung = new Flag();
  readonly #waiters = new Waiters();
  #running: Promise<void> | undefined;
  #epoch = '';
  #settled = new SettledReader(0);
  #strange = false;
  #unopened = false;

  /** `db`: a pool of one connection, for this alone. */
  constructor({ db, logger }: { db: Pool; logger: Logger }) {
    this.#db = prepared(db);
    this.#logger = logger;
  }

  get epoch(): string {
    return this.#epoch;
  }

  get position(): number {
    return this.#settled.head;
  }

  async start(): Promise<void> {
    await this.#orient();
    await this.#advance();
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    this.#waiters.release(Infinity);
  }

  /** Somebody says that there is more. */
  hint({ epoch, to }: Doorbell): void {
    this.#strange ||= epoch !== this.#epoch;
    if (this.#strange || to > this.position) this.#rung.raise();
  }

  /** A doorbell may have been missed. */
  look(): void {
    this.#rung.raise();
  }

  doubt(epoch: string | undefined): void {
    this.#strange = true;
    this.#unopened ||= epoch === undefined;
    this.#rung.raise();
  }

  async reached(position: number, signal: AbortSignal): Promise<void> {
    if (this.position < position) await this.#waiters.wait(position, signal);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    const backoff = new Backoff({ minMs: 20, maxMs: 1_000 });
    while (!signal.aborted) {
      await this.#rung.wait(this.#settled.waiting ? recheckMs : silenceMs, signal);
      try {
        if (this.#strange || !this.#rung.take()) await this.#orient();
        this.#rung.take();
        await this.#advance();
        backoff.reset();
      } catch (error) {
        if (signal.aborted) return;
        this.#logger.warn({ err: error }, 'the head of the log could not be read; it is tried again');
        this.#strange = true;
        await sleep(backoff.next(), signal);
        this.#rung.raise();
      }
    }
  }

  /** Asks the database which history this is. */
  async #orient(): Promise<void> {
    if (this.#unopened) await openEpoch(this.#db);
    this.#unopened = false;
    const { epoch, published } = await readHead(this.#db);
    this.#strange = false;
    if (epoch === this.#epoch) return;
    const ended = this.#epoch === '' ? undefined : await readEpochEnd(this.#db, this.#epoch);
    this.#epoch = epoch;
    this.#settled = new SettledReader(ended === undefined ? published : Math.min(ended, this.position));
    // They look anew: where they were is of the history that has ended.
    this.#waiters.release(Infinity);
  }

  async #advance(): Promise<void> {
    let before: number;
    do {
      before = this.position;
      this.#waiters.release(await this.#settled.advance(this.#db));
    } while (this.position > before);
  }
}
