import { hostname } from 'node:os';
import type { Pool } from 'pg';
import type { Logger } from '../core/logger.ts';
import type { Service } from '../core/service.ts';
import { inTime, sleep } from '../core/sleep.ts';
import type { InstanceReport, InstanceStatus, StatusSample } from '../core/status.ts';
import type { Executor } from '../db/executor.ts';
import { removeInstance } from '../log/remove-instance.ts';
import { reportInstance, type InstanceName } from '../log/report-instance.ts';
import { shortStatements } from './short-statements.ts';
import { version } from './version.ts';

const intervalMs = 2_000;
/** A report that takes longer is given up: nothing may wait for it, neither a connection nor a stop. */
const patienceMs = 1_000;
/** Five minutes, and the sample at their beginning. */
const maxSamples = 151;

export interface ReporterOptions {
  id: string;
  kind: InstanceStatus['kind'];
  db: Pool;
  describe: () => InstanceReport;
  /** Dispatched so far, by an instance that dispatches. */
  position: () => number | undefined;
  logger: Logger;
}

/**
 * Says in the database every two seconds how this instance is, so that each instance can answer for all, and remembers
 * how far it was behind. What fails is tried again with the next report; it is no problem of the instance.
 */
export class Reporter implements Service {
  readonly #name: InstanceName;
  readonly #options: ReporterOptions;
  readonly #db: Executor;
  readonly #stopped = new AbortController();
  readonly #samples: (Omit<StatusSample, 'agoMs'> & { at: number })[] = [];
  readonly #startedAt = performance.now();
  #running: Promise<void> | undefined;
  #isKnown = false;
  #failing = false;

  constructor(options: ReporterOptions) {
    const { id, kind, db } = options;
    this.#name = { id, kind, host: hostname(), pid: process.pid, version };
    this.#options = options;
    this.#db = shortStatements(db, patienceMs);
  }

  /** This instance as it is now. */
  get status(): InstanceStatus {
    return { ...this.#name, upMs: this.#upMs, seenAgeMs: 0, report: this.#options.describe() };
  }

  get samples(): StatusSample[] {
    const now = performance.now();
    return this.#samples.map(({ at, ...sample }) => ({ agoMs: Math.round(now - at), ...sample }));
  }

  /** How far this instance was behind at the last report; `null` when the database has not said. */
  get lag(): number | null {
    return this.#samples.at(-1)?.lag ?? null;
  }

  /** Returns at once: whoever is started does not wait to be known. */
  async start(): Promise<void> {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    try {
      await inTime(this.#running ?? Promise.resolve(), patienceMs);
      if (this.#isKnown) await inTime(removeInstance(this.#db, this.#name.id), patienceMs);
    } catch (error) {
      // It is forgotten within a minute anyhow.
      this.#options.logger.debug({ err: error }, 'the instance could not take back its report');
    }
    this.#isKnown = false;
  }

  get #upMs(): number {
    return performance.now() - this.#startedAt;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const head = await this.#report();
      const position = this.#options.position();
      if (position !== undefined) this.#sample(head, position);
      await sleep(intervalMs, signal);
    }
  }

  /** Never throws: an instance that cannot say how it is may still be of use. */
  async #report(): Promise<number | null> {
    try {
      const report = this.#options.describe();
      const head = await reportInstance(this.#db, this.#name, { upMs: this.#upMs, report });
      this.#isKnown = true;
      this.#failing = false;
      return head;
    } catch (error) {
      // Of several in a row the first is news: others who ask for the status do not see this instance any more.
      const level = this.#failing || this.#stopped.signal.aborted ? 'debug' : 'warn';
      this.#options.logger[level]({ err: error }, 'the instance could not report; it is tried again');
      this.#failing = true;
      this.#isKnown = false;
      return null;
    }
  }

  #sample(head: number | null, position: number): void {
    const lag = head === null ? null : Math.max(head - position, 0);
    this.#samples.push({ at: performance.now(), position, head, lag });
    if (this.#samples.length > maxSamples) this.#samples.shift();
  }
}
