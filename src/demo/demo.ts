import type { Pool } from 'pg';
import { Backoff } from '../core/backoff.ts';
import type { Logger } from '../core/logger.ts';
import type { Service } from '../core/service.ts';
import { sleep } from '../core/sleep.ts';
import { orgs, type DemoOrg } from './orgs.ts';
import { readRecorded, type Recorded } from './recorded.ts';
import { createTables } from './tables.ts';
import { moveDoor, recordReading, rollBack, startShift, type UnitKey } from './work.ts';

/** Who the page may log in as, with what there is to see. */
export const demoOrgs: readonly DemoOrg[] = orgs;

export interface DemoOptions {
  /** As the owner of the database that Commitcast has migrated. It is not closed by the demo. */
  db: Pool;
  logger: Logger;
  /** Over all orgs, on average. Default: 4. */
  eventsPerSecond?: number;
}

/** Several at once, so that they meet: at a unit, at a site, at the end of COMMIT. */
const writers = 3;

const units: readonly UnitKey[] = orgs.flatMap(({ id: orgId, sites }) =>
  sites.flatMap((site) => site.units.map(({ id }) => ({ orgId, id }))),
);

/**
 * A cold chain at work in schema `commitcast_demo`: each writer does one business transaction after the other, most of
 * them readings, until the demo stops. What fails, because the database restarts for example, is tried again.
 */
export class Demo implements Service {
  readonly #db: Pool;
  readonly #logger: Logger;
  readonly #eventsPerSecond: number;
  readonly #stopped = new AbortController();
  #starting: Promise<void> | undefined;
  #running: Promise<unknown> | undefined;

  constructor({ db, logger, eventsPerSecond = 4 }: DemoOptions) {
    this.#db = db;
    this.#logger = logger;
    this.#eventsPerSecond = eventsPerSecond;
  }

  /** Returns when the tables are there and the writers at work. */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /** Returns when the transactions in flight have ended. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#starting?.catch(() => undefined);
    await this.#running;
  }

  async #start(): Promise<void> {
    const recorded = await readRecorded();
    await createTables(this.#db, recorded);
    this.#running = Promise.all(Array.from({ length: writers }, () => this.#write(recorded)));
  }

  async #write(recorded: readonly Recorded[]): Promise<void> {
    const { signal } = this.#stopped;
    const backoff = new Backoff({ minMs: 100, maxMs: 2_000 });
    const meanPauseMs = (writers * 1_000) / this.#eventsPerSecond;
    while (!signal.aborted) {
      await sleep(meanPauseMs * (0.3 + Math.random() * 1.4), signal);
      if (signal.aborted) return;
      try {
        await this.#work(recorded);
        backoff.reset();
      } catch (error) {
        this.#logger.warn({ err: error }, 'the demo could not write; it tries again');
        await sleep(backoff.next(), signal);
      }
    }
  }

  async #work(recorded: readonly Recorded[]): Promise<void> {
    const key = units[Math.floor(Math.random() * units.length)];
    if (!key) return;
    const dice = Math.random();
    if (dice < 0.04) await rollBack(this.#db, key);
    else if (dice < 0.06) await startShift(this.#db, key.orgId);
    else if (dice < 0.12) await this.#meet(key, recorded);
    else await recordReading(this.#db, key, recorded);
  }

  /** A door moves just as the probe reports: two transactions want the same row, and one waits for the other. */
  async #meet(key: UnitKey, recorded: readonly Recorded[]): Promise<void> {
    const both = await Promise.allSettled([moveDoor(this.#db, key), recordReading(this.#db, key, recorded)]);
    for (const result of both) if (result.status === 'rejected') throw result.reason;
  }
}
