import { rowsOf, type Executor } from '../db/executor.ts';
import { presentEpochSql } from '../log/present-epoch.ts';

/** A partition as its worker has claimed it. */
export interface Claim {
  readonly name: string;
  readonly partition: number;
  /** Shows that the claim still holds: it counts up when somebody else takes the partition, or rewinds it. */
  readonly generation: number;
  /** The history that the position is of: another one may have fewer events, or others. */
  readonly epoch: string | undefined;
}

/** The partition has another worker now, or another position, or the database another history: what was in hand is void. */
export class FencedError extends Error {
  override readonly name = 'FencedError';

  constructor({ name, partition }: Claim) {
    super(`partition ${partition} of consumer ${name} was taken by another worker, or moved by an operator`);
  }
}

/** The handler has ended the transaction that it was given: what it wrote is committed, and the checkpoint is not. */
export class TransactionEndedError extends Error {
  override readonly name = 'TransactionEndedError';

  constructor() {
    super(
      'the handler has ended the transaction that it was given (a COMMIT, or a transaction of its own on the same connection)',
    );
  }
}

const held = `name = $1 and partition = $2 and generation = $3 and ${presentEpochSql} = $4`;
const valuesOf = ({ name, partition, generation, epoch }: Claim) => [
  name,
  partition,
  generation,
  epoch ?? null,
];

/** A transaction of the handler. */
export interface Entered {
  /** Its id. */
  readonly xid: string;
}

/** First in the handler's transaction: it will be ended by the server when it does nothing for too long. */
export async function enter(tx: Executor, claim: Claim, idleTimeoutMs: number): Promise<Entered> {
  return expectOne<Entered>(
    tx,
    claim,
    `select set_config('idle_in_transaction_session_timeout', $5, true), pg_current_xact_id()::text as xid
     from commitcast.consumer_partition where ${held}`,
    [String(idleTimeoutMs)],
  );
}

/** How the transaction stands, by the connection that it is of. An error when that is lost, or the transaction failed. */
export async function statusOf(
  tx: Executor,
  { xid }: Entered,
): Promise<'entered' | 'committed' | 'aborted' | undefined> {
  const [row] = await rowsOf<{ status: 'entered' | 'committed' | 'aborted' | null }>(
    tx,
    `select case
       when pg_current_xact_id_if_assigned()::text = $1 then 'entered' else pg_xact_status($1::text::xid8)
     end as status`,
    [xid],
  );
  return row?.status ?? undefined;
}

/**
 * Last in the handler's transaction: everything up to `to` is handled, or parked. Not when the database is elsewhere than
 * `from`: the last commit came through although nobody heard of it.
 */
export async function moveCheckpoint(
  tx: Executor,
  claim: Claim,
  { from, to, entered }: { from: number; to: number; entered?: Entered },
): Promise<void> {
  const [row] = await rowsOf(
    tx,
    `update commitcast.consumer_partition
     set position = $6, attempts = 0, error = null, suspect = false, moved_at = clock_timestamp()
     where ${held} and position = $5 and ($7::text is null or pg_current_xact_id()::text = $7) returning 1`,
    [...valuesOf(claim), from, to, entered?.xid ?? null],
  );
  if (row) return;
  if (entered && (await statusOf(tx, entered)) !== 'entered') throw new TransactionEndedError();
  throw new FencedError(claim);
}

/** Holds the claim until the transaction ends, and leaves the position as it is. */
export async function holdClaim(tx: Executor, claim: Claim, entered: Entered): Promise<void> {
  if ((await statusOf(tx, entered)) !== 'entered') throw new TransactionEndedError();
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
    `update commitcast.consumer_partition set attempts = greatest(attempts - $5, 0) + 1 where ${held} returning attempts`,
    [takeBack],
  );
  return attempts;
}

/** Keeps what went wrong; and takes back the attempt, where the event is not to blame. */
export async function saveError(db: Executor, claim: Claim, error: string, takeBack = 0): Promise<void> {
  await expectOne(
    db,
    claim,
    `update commitcast.consumer_partition set error = $5, attempts = greatest(attempts - $6, 0)
     where ${held} returning 1`,
    [error, takeBack],
  );
}

/** The partition stands still until somebody resumes it. */
export async function saveFailure(db: Executor, claim: Claim, error: string): Promise<void> {
  await expectOne(
    db,
    claim,
    `update commitcast.consumer_partition set failed = true, error = $5 where ${held} returning 1`,
    [error],
  );
}

async function expectOne<Row>(db: Executor, claim: Claim, sql: string, values: unknown[]): Promise<Row> {
  const [row] = await rowsOf<Row>(db, sql, [...valuesOf(claim), ...values]);
  if (!row) throw new FencedError(claim);
  return row;
}
