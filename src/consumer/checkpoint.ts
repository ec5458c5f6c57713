import { rowsOf, type Executor } from '../db/executor.ts';
import { presentEpochSql } from '../log/present-epoch.ts';

/** A partition as its worker has claimed it. */
export interface Claim {
  readonly name: string;
  readonly partition: number;
  /** Shows that the claim still holds: it counts up when somebody else takes the partition, or rewinds it. */
  readonly generation: number;
}

/** The partition has another worker now, or another position: what was in hand is void. */
export class FencedError extends Error {
  override readonly name = 'FencedError';

  constructor({ name, partition }: Claim) {
    super(`partition ${partition} of consumer ${name} was taken by another worker, or moved by an operator`);
  }
}

const held = 'name = $1 and partition = $2 and generation = $3';
const valuesOf = ({ name, partition, generation }: Claim) => [name, partition, generation];

/**
 * First in the handler's transaction: it will be ended by the server when it does nothing for too long. Returns the epoch
 * that the transaction sees.
 */
export async function enter(tx: Executor, claim: Claim, idleTimeoutMs: number): Promise<string | undefined> {
  const { epoch } = await expectOne<{ epoch: string | null }>(
    tx,
    claim,
    `select set_config('idle_in_transaction_session_timeout', $4, true), ${presentEpochSql} as epoch
     from commitcast.consumer_partition where ${held}`,
    [String(idleTimeoutMs)],
  );
  return epoch ?? undefined;
}

/**
 * Last in the handler's transaction: everything up to `to` is handled, or parked. Not when the database is elsewhere than
 * `from`: the last commit came through although nobody heard of it.
 */
export async function moveCheckpoint(tx: Executor, claim: Claim, from: number, to: number): Promise<void> {
  await expectOne(
    tx,
    claim,
    `update commitcast.consumer_partition
     set position = $5, attempts = 0, error = null, suspect = false, moved_at = clock_timestamp()
     where ${held} and position = $4 returning 1`,
    [from, to],
  );
}

/** Holds the claim until the transaction ends, and leaves the position as it is. */
export async function holdClaim(tx: Executor, claim: Claim): Promise<void> {
  await expectOne(tx, claim, `select from commitcast.consumer_partition where ${held} for no key update`, []);
}

/**
 * Counts an attempt before it begins, so that one that ends the process is counted, too; without those that are to be
 * taken back.
 */
export async function beginAttempt(db: Executor, claim: Claim, takeBack: number): Promise<number> {
  const { attempts } = await expectOne<{ attempts: number }>(
    db,
    claim,
    `update commitcast.consumer_partition set attempts = greatest(attempts - $4, 0) + 1 where ${held} returning attempts`,
    [takeBack],
  );
  return attempts;
}

/** Keeps what went wrong; and takes back the attempt, where the event is not to blame. */
export async function saveError(db: Executor, claim: Claim, error: string, takeBack = 0): Promise<void> {
  await expectOne(
    db,
    claim,
    `update commitcast.consumer_partition set error = $4, attempts = greatest(attempts - $5, 0)
     where ${held} returning 1`,
    [error, takeBack],
  );
}

/** The partition stands still until somebody resumes it. */
export async function saveFailure(db: Executor, claim: Claim, error: string): Promise<void> {
  await expectOne(
    db,
    claim,
    `update commitcast.consumer_partition set failed = true, error = $4 where ${held} returning 1`,
    [error],
  );
}

async function expectOne<Row>(db: Executor, claim: Claim, sql: string, values: unknown[]): Promise<Row> {
  const [row] = await rowsOf<Row>(db, sql, [...valuesOf(claim), ...values]);
  if (!row) throw new FencedError(claim);
  return row;
}
