import { CommitcastError } from '../core/errors.ts';
import { sleep } from '../core/sleep.ts';
import { connect, type Connection, type ConnectionOptions } from './connection.ts';
import { rowsOf, type Executor } from './executor.ts';

/** Sessions that are opened beside ours, to see whether one of them is lent our backend. */
const witnesses = 5;
/** A session that has its backend answers at once; one that has none may wait for it for minutes. */
const patienceMs = 5_000;

type Address = Omit<ConnectionOptions, 'applicationName' | 'statementTimeoutMs'>;

/**
 * Refuses an address at which sessions do not keep their backend: LISTEN, advisory locks and session settings would be
 * somebody else's from one transaction to the next. Direct connections, plain TCP proxies and poolers in session mode
 * pass.
 *
 * The server tells each client the process id of its backend (BackendKeyData). When that is the one that answers, nothing
 * stands between, and one query has told it. A pooler makes up ids of its own: then transactions that are held open
 * beside the session decide. One of them gets the session's backend, or the session another one, unless it keeps its own.
 *
 * @throws {CommitcastError} `DATABASE_POOLED`
 */
export async function assertDirect(address: Address): Promise<void> {
  const open = () => connect({ ...address, applicationName: 'commitcast-self-test' });
  const session = await open().catch(refuseParameters);
  try {
    const { pid, isolation } = await readBackend(session.client);
    if (pid === told(session)) return;
    if (!(await keepsBackend(session, pid, open))) throw new CommitcastError('DATABASE_POOLED');
    if (isolation !== 'read committed')
      throw new CommitcastError(
        'DATABASE_POOLED',
        `The database address leads to a pooler that takes away the session settings of Commitcast, and the default isolation there is ${isolation}`,
      );
    address.logger.warn(
      {},
      'the database address leads to a pooler in session mode, which may take away session settings',
    );
  } catch (error) {
    throw refusesTransactions(error) ? pooled(error) : error;
  } finally {
    await session.close();
  }
}

async function keepsBackend(
  session: Connection,
  pid: number,
  open: () => Promise<Connection>,
): Promise<boolean> {
  const held: Connection[] = [];
  try {
    for (let n = 0; n < witnesses; n++) {
      const witness = await open();
      held.push(witness);
      // One that gets no backend at all shows nothing about ours.
      const lent = await inPatience(witness.client.query('begin').then(() => readBackend(witness.client)));
      if (lent?.pid === pid) return false;
      // Without an answer there is no backend to spare, although ours did nothing to lose it.
      const own = await inPatience(readBackend(session.client));
      if (own?.pid !== pid) return false;
    }
    return true;
  } finally {
    await Promise.all(held.map((witness) => witness.close()));
  }
}

async function readBackend(db: Executor): Promise<{ pid: number; isolation: string }> {
  const [row] = await rowsOf<{ pid: number; isolation: string }>(
    db,
    `select pg_backend_pid() as pid, current_setting('default_transaction_isolation') as isolation`,
  );
  if (!row) throw new Error('the database does not say who answers');
  return row;
}

/** The process id of BackendKeyData. */
function told({ client }: Connection): unknown {
  return (client as unknown as { processID: unknown }).processID;
}

async function inPatience<Result>(work: Promise<Result>): Promise<Result | undefined> {
  // What comes later, or fails when the connection is closed, interests nobody any more.
  work.catch(() => undefined);
  const answered = new AbortController();
  try {
    return await Promise.race([work, sleep(patienceMs, answered.signal).then(() => undefined)]);
  } finally {
    answered.abort();
  }
}

/** PgBouncer lets only those settings through that it knows, or is told to ignore. */
function refuseParameters(error: unknown): never {
  const refused = error instanceof Error && error.message.includes('unsupported startup parameter');
  throw refused
    ? pooled(error, `The database address leads to a pooler that says "${error.message}"`)
    : error;
}

/** PgBouncer in statement mode. */
function refusesTransactions(error: unknown): boolean {
  return error instanceof Error && /statement pooling/i.test(error.message);
}

function pooled(cause: unknown, message?: string): CommitcastError {
  return new CommitcastError('DATABASE_POOLED', message, { cause });
}
