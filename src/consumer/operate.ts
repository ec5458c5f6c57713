import { CommitcastError } from '../core/errors.ts';
import { sleep } from '../core/sleep.ts';
import { rowsOf } from '../db/executor.ts';
import { executorOf, type Transaction } from '../log/transaction.ts';
import { readHead } from '../log/head.ts';
import { SettledMark } from '../log/settled-mark.ts';

// What operators do to consumers, from any process: workers see it within a second. Each is one statement, so `db` may
// be a pool.

/** How long a position may wait for a commit that is in its last instant. */
const patienceMs = 2_000;
const pauseMs = 10;

/** The page in hand is handled to its end; then nothing, until `resumeConsumer`. @throws `CONSUMER_UNKNOWN` */
export async function pauseConsumer(db: Transaction, name: string): Promise<void> {
  const [row] = await rowsOf(
    executorOf(db),
    'update commitcast.consumer set paused = true where name = $1 returning 1',
    [name],
  );
  if (!row) throw unknown(name);
}

/** Goes on: a paused consumer, and partitions that stand still, with all their attempts. @throws `CONSUMER_UNKNOWN` */
export async function resumeConsumer(db: Transaction, name: string): Promise<void> {
  const [row] = await rowsOf(
    executorOf(db),
    `with resumed as (
       update commitcast.consumer_partition
       set failed = false, attempts = 0, error = null, suspect = false, generation = generation + 1
       where name = $1 and failed
     )
     update commitcast.consumer set paused = false where name = $1 returning 1`,
    [name],
  );
  if (!row) throw unknown(name);
}

/**
 * Everything after position `to` is handled (again). What the handler has written stays as it is; a page in hand is
 * rolled back. Not inside a transaction: whether `to` is settled shows only from one look at the log to the next.
 *
 * @throws {CommitcastError} `CONSUMER_UNKNOWN`; `HISTORY_EXPIRED` when events after `to` are no longer kept;
 *   `CURSOR_INVALID` when there is no such position yet; `SNAPSHOT_UNSETTLED` when a commit before it does not end
 */
export async function rewindConsumer(db: Transaction, name: string, to: number): Promise<void> {
  await expectKnown(db, name);
  const { floor, last } = await readHead(executorOf(db));
  if (!Number.isSafeInteger(to) || to < 0 || to > last)
    throw new CommitcastError('CURSOR_INVALID', `There is no position ${to}: the last one is ${last}`);
  if (to < floor - 1)
    throw new CommitcastError(
      'HISTORY_EXPIRED',
      `Events after position ${to} are no longer kept; the oldest is ${floor}`,
    );
  await settled(db, to);
  await executorOf(db).query('select commitcast.rewind_consumer($1, $2)', [name, to]);
}

/**
 * One of its workers takes back what the handler has written, by the consumer's `reset`, and all begins anew at the
 * oldest event kept. A paused consumer does so when it is resumed.
 *
 * @throws {CommitcastError} `CONSUMER_UNKNOWN`, `CONSUMER_NOT_REBUILDABLE`
 */
export async function requestRebuild(db: Transaction, name: string): Promise<void> {
  const [row] = await rowsOf(
    executorOf(db),
    'update commitcast.consumer set rebuild = true where name = $1 and rebuildable returning 1',
    [name],
  );
  if (row) return;
  await expectKnown(db, name);
  throw new CommitcastError('CONSUMER_NOT_REBUILDABLE');
}

/**
 * Forgets the consumer, its checkpoint and what it has parked. What its handler has written stays.
 *
 * @throws {CommitcastError} `CONSUMER_UNKNOWN`; `CONSUMER_RUNNING` while a worker has it
 */
export async function removeConsumer(db: Transaction, name: string): Promise<void> {
  // The leases are locked, so that nobody takes one in between; the consumer before them, as workers do.
  const [row] = await rowsOf(
    executorOf(db),
    `with known as materialized (
       select name from commitcast.consumer where name = $1 for update
     ), held as materialized (
       select worker, expires_at from commitcast.consumer_lease where name = (select name from known) for update
     )
     delete from commitcast.consumer where name = (select name from known) and not exists (
       select from held where worker is not null and expires_at > clock_timestamp()
     )
     returning 1`,
    [name],
  );
  if (row) return;
  await expectKnown(db, name);
  throw new CommitcastError('CONSUMER_RUNNING', `Consumer ${name} has a worker: stop it first`);
}

/** Which of the parked events are meant. */
export type ParkedChoice = { position: number } | { lane: string } | { all: true };

/**
 * Asks the worker to try what is parked once more, or to drop it. Order is kept within a lane: `retry` begins at the
 * first event of the lane, whichever was named, and goes on until one fails. `drop` drops exactly those that are meant;
 * when none that has failed is left, what waited behind them is handled.
 *
 * @returns how many events were marked
 * @throws {CommitcastError} `CONSUMER_UNKNOWN`
 */
export async function askParked(
  db: Transaction,
  name: string,
  action: 'retry' | 'drop',
  choice: ParkedChoice,
): Promise<number> {
  await expectKnown(db, name);
  const { position, lane, all } = choice as Partial<{ position: number; lane: string; all: true }>;
  const rows = await rowsOf(
    executorOf(db),
    `with chosen as (
       select position, lane from commitcast.parked where name = $1 and (position = $3 or lane = $4 or $5)
     ), meant as (
       select position from chosen where $2 = 'drop'
       union all
       select min(position) from commitcast.parked
       where $2 = 'retry' and name = $1 and lane in (select lane from chosen) group by lane
     )
     update commitcast.parked set asked = $2 where name = $1 and position in (select position from meant) returning 1`,
    [name, action, position ?? null, lane ?? null, all ?? false],
  );
  return rows.length;
}

/** @throws {CommitcastError} `CONSUMER_UNKNOWN` */
export async function expectKnown(db: Transaction, name: string): Promise<void> {
  const rows = await rowsOf(executorOf(db), 'select 1 from commitcast.consumer where name = $1', [name]);
  if (rows.length === 0) throw unknown(name);
}

function unknown(name: string): CommitcastError {
  return new CommitcastError('CONSUMER_UNKNOWN', `There is no consumer ${JSON.stringify(name)}`);
}

/** Beyond a position that is still committing nothing may begin: it would be skipped. */
async function settled(db: Transaction, position: number): Promise<void> {
  const mark = new SettledMark();
  await mark.begin(executorOf(db));
  const deadline = performance.now() + patienceMs;
  while (mark.position < position) {
    await mark.advance(executorOf(db));
    if (mark.position >= position) return;
    if (performance.now() > deadline) throw new CommitcastError('SNAPSHOT_UNSETTLED');
    await sleep(pauseMs);
  }
}
