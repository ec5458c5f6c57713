import { Flag } from '../../core/flag.ts';
import { silentLogger } from '../../core/logger.ts';
import { inTime } from '../../core/sleep.ts';
import { Waiters } from '../../core/waiters.ts';
import { rowsOf, type Executor } from '../../db/executor.ts';
import { Relay } from '../../relay/relay.ts';
import { Ledger } from './ledger.ts';

/** A relay that settles nothing for so long, while something is committed, never will. */
const settleLimitMs = 30_000;
const pageSize = 1_000;

interface Settled {
  upTo: number;
  /** By `performance.now()`. */
  at: number;
}

export interface FollowerOptions {
  url: string;
  /** The connection that reads. */
  db: Executor;
  signal: AbortSignal;
}

/** An event, and when the relay told that it is settled. */
export interface Followed {
  /** Which of the timed transactions it was; null: of another one. */
  sent: number | null;
  settledAt: number;
}

/**
 * The relay of the database, and who reads the log behind it as a dispatcher does: in pages, up to what is settled and
 * never beyond. What was read goes into the ledger.
 */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #ledger = new Ledger();
  readonly #waiters = new Waiters();
  #settled: Settled[] = [];
  #relay: Relay | undefined;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  get ledger(): Ledger {
    return this.#ledger;
  }

  /** Returns when the relay leads. */
  async start(): Promise<void> {
    const leads = new Flag();
    const relay = new Relay({
      connectionString: this.#options.url,
      instanceId: 'bench',
      onDoorbell: ({ to }) => {
        leads.raise();
        if (to <= (this.#settled.at(-1)?.upTo ?? 0)) return;
        this.#settled.push({ upTo: to, at: performance.now() });
        this.#waiters.release(to);
      },
      logger: silentLogger,
    });
    this.#relay = relay;
    await relay.start();
    await leads.wait(settleLimitMs, this.#options.signal);
    this.#options.signal.throwIfAborted();
    if (!leads.take()) throw new Error(`the relay does not lead after ${settleLimitMs} ms`);
  }

  async stop(): Promise<void> {
    await this.#relay?.stop();
    this.#relay = undefined;
  }

  /** Reads everything that is committed by now, waiting for the relay where it has to. */
  async readAll(): Promise<Followed[]> {
    const { db, signal } = this.#options;
    const [row] = await rowsOf<{ last: string | null }>(
      db,
      'select max(position) as last from commitcast.log',
    );
    const last = Number(row?.last ?? 0);
    const followed: Followed[] = [];
    while (this.#ledger.position < last) {
      const upTo = await this.#settledBeyond(this.#ledger.position);
      followed.push(...(await this.#readPage(upTo)));
      signal.throwIfAborted();
    }
    return followed;
  }

  async #settledBeyond(position: number): Promise<number> {
    const known = () => this.#settled.at(-1)?.upTo ?? 0;
    if (known() <= position)
      await inTime(this.#waiters.wait(position + 1, this.#options.signal), settleLimitMs);
    this.#options.signal.throwIfAborted();
    return known();
  }

  async #readPage(upTo: number): Promise<Followed[]> {
    const rows = await rowsOf<{ position: string; unit: string; n: string; sent: number | null }>(
      this.#options.db,
      `select position, id, org_id, site_id, unit_id as unit, type, data, committed_at,
         data->>'n' as n, (data->>'sent')::int as sent
       from commitcast.log where position > $1 and position <= $2 order by position limit ${pageSize}`,
      [this.#ledger.position, upTo],
    );
    return rows.map(({ position, unit, n, sent }) => {
      this.#ledger.add({ position: Number(position), unit, n: Number(n) });
      return { sent, settledAt: this.#settledAt(Number(position)) };
    });
  }

  /** Positions rise, so what lies below is not asked for again. */
  #settledAt(position: number): number {
    const first = this.#settled.findIndex(({ upTo }) => upTo >= position);
    if (first > 0) this.#settled.splice(0, first);
    return this.#settled[0]?.at ?? NaN;
  }
}
