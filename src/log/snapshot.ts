import type { Pool, PoolClient } from 'pg';
import { Backoff } from '../core/backoff.ts';
import { formatCursor } from '../core/cursor.ts';
import { CommitcastError } from '../core/errors.ts';
import { sleep } from '../core/sleep.ts';
import { readFit } from './read-fit.ts';
import { SettledMark } from './settled-mark.ts';
import { snapshotDatabaseOf, type DrizzleDatabase, type SnapshotDatabase } from './snapshot-database.ts';

export interface SnapshotOptions {
  /** Milliseconds to look for a transaction that fits, waiting for a connection included. Default: 10,000. */
  timeoutMs?: number;
  /** Gives up looking. Once `work` has been called, it has no effect any more. */
  signal?: AbortSignal;
}

type Work<Tx, State> = (tx: Tx, cursor: string) => State | Promise<State>;

/** Longest time that `setTimeout` can wait. */
const longestMs = 2 ** 31 - 1;

/**
 * Loads state together with the cursor that it stands for: what `work` sees in its transaction is the effect of exactly
 * those transactions whose events are at or before the cursor. Whoever shows the state and follows on from the cursor
 * has no hole and no overlap, whatever is being committed meanwhile.
 *
 * `work` runs once, in a REPEATABLE READ, READ ONLY transaction, and its result is returned. If it throws, the
 * transaction is rolled back and the error is thrown. It should be short, like all transactions.
 *
 * A transaction fits when no commit is in its last instant below the highest position that it can see; several may be
 * opened until one does, on one connection at a time. Nobody is made to wait for it.
 *
 * @param db a drizzle database, then `tx` is a drizzle transaction; or a `pg` Pool, then `tx` is a client. Of the primary
 * @throws {CommitcastError} `SNAPSHOT_UNSETTLED` when a commit has not ended in time: it says whose;
 * `UNAVAILABLE` when the database is a standby, or was replaced and no instance has opened its epoch yet
 * @throws {TypeError} for a `db` of another kind
 *
 * @example
 * app.get('/trucks', () =>
 *   snapshot(db, async (tx, cursor) => ({ trucks: await tx.select().from(truck), cursor })),
 * );
 */
export function snapshot<State>(
  db: Pool,
  work: Work<PoolClient, State>,
  options?: SnapshotOptions,
): Promise<State>;
export function snapshot<Tx, State>(
  db: DrizzleDatabase<Tx>,
  work: Work<Tx, State>,
  options?: SnapshotOptions,
): Promise<State>;
export async function snapshot<Tx, State>(
  db: DrizzleDatabase<Tx> | Pool,
  work: Work<Tx, State>,
  { timeoutMs = 10_000, signal }: SnapshotOptions = {},
): Promise<State> {
  if (!(timeoutMs > 0)) throw new TypeError('snapshot: timeoutMs must be above 0');
  signal?.throwIfAborted();
  const search = new Search(snapshotDatabaseOf(db));
  return new Promise((resolve, reject) => {
    const over = new AbortController();
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    };
    // What is on its way when the search is given up ends by itself, and gives its connection back.
    const giveUp = (reason: unknown) => {
      settle();
      over.abort();
      reject(reason);
    };
    const abort = () => {
      giveUp(signal?.reason);
    };
    const timer = setTimeout(
      () => {
        giveUp(search.failure(timeoutMs));
      },
      Math.min(timeoutMs, longestMs),
    );
    signal?.addEventListener('abort', abort, { once: true });
    const found = async (tx: Tx, cursor: string) => {
      settle();
      return work(tx, cursor);
    };
    search.run(found, over.signal).then(resolve, reject).finally(settle);
  });
}

class Search<Tx> {
  readonly #db: SnapshotDatabase<Tx>;
  readonly #mark = new SettledMark();
  #attempts = 0;
  /** What was missing at the last look. */
  #missing: 'answer' | 'epoch' | 'fit' = 'answer';

  constructor(db: SnapshotDatabase<Tx>) {
    this.#db = db;
  }

  async run<State>(work: (tx: Tx, cursor: string) => Promise<State>, over: AbortSignal): Promise<State> {
    const { executor } = this.#db;
    const pauses = new Backoff({ minMs: 1, maxMs: 25 });
    await this.#mark.begin(executor);
    for (;;) {
      const found = await this.#attempt(work, over);
      if (found) return found.state;
      over.throwIfAborted();
      await this.#mark.advance(executor);
      await sleep(pauses.next(), over);
      over.throwIfAborted();
    }
  }

  failure(timeoutMs: number): CommitcastError {
    if (this.#missing === 'answer')
      return new CommitcastError(
        'UNAVAILABLE',
        `The database, or the pool of connections to it, has not answered for ${timeoutMs} ms`,
      );
    if (this.#missing === 'epoch')
      return new CommitcastError(
        'UNAVAILABLE',
        'The database is a standby, or it was replaced and no instance has opened its epoch yet: read from the primary, and see that an instance of Commitcast runs',
      );
    const holders = this.#mark.waitingFor.map(
      ({ pid, applicationName, ageMs }) =>
        `pid ${pid}${applicationName && ` (${applicationName})`}, for ${Math.round(ageMs)} ms`,
    );
    const why =
      holders.length > 0
        ? `in progress: ${holders.join('; ')}`
        : `each of ${this.#attempts} attempts met another one`;
    return new CommitcastError(
      'SNAPSHOT_UNSETTLED',
      `For ${timeoutMs} ms no snapshot had a place in the order, because of commits in their last instant; ${why}`,
    );
  }

  /** A transaction that does not fit is over when this returns, so that a pool of one connection is enough. */
  #attempt<State>(
    work: (tx: Tx, cursor: string) => Promise<State>,
    over: AbortSignal,
  ): Promise<{ state: State } | undefined> {
    return this.#db.transaction(async (tx, executor) => {
      over.throwIfAborted();
      const { epoch, position, dense, isolation } = await readFit(executor, this.#mark.position);
      if (isolation !== 'repeatable read')
        throw new TypeError(
          `snapshot: the database opened a transaction that is ${isolation}, not repeatable read`,
        );
      over.throwIfAborted();
      this.#attempts++;
      this.#missing = epoch === undefined ? 'epoch' : 'fit';
      // The settled position is of one history, the snapshot may be of the next.
      if (epoch === undefined || epoch !== this.#mark.epoch || !dense) return undefined;
      return { state: await work(tx, formatCursor({ epoch, position })) };
    });
  }
}
