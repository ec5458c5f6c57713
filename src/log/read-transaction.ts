import { rowsOf, type Executor } from '../db/executor.ts';

/** The transaction that a statement of the caller runs in: one that was begun, or its own. */
export interface CurrentTransaction {
  /** Two statements tell the same if, and only if, they are of one transaction. */
  mark: string;
  /** Each statement sees what was committed before it, so what others do meanwhile fails nothing. */
  readCommitted: boolean;
}

// A transaction that was begun keeps its timestamp; a statement on its own has one of its own. To compare it with the
// statement's is not enough: as drivers send parameters, even a statement on its own begins later than its transaction.
export const transactionColumns = `pg_backend_pid() || ' ' || extract(epoch from transaction_timestamp())::text as mark,
    current_setting('transaction_isolation') in ('read committed', 'read uncommitted') as read_committed`;

export interface TransactionRow {
  mark: string;
  read_committed: boolean;
}

export async function readTransaction(db: Executor): Promise<CurrentTransaction> {
  const [row] = await rowsOf<TransactionRow>(db, `select ${transactionColumns}`);
  if (!row) throw new Error('a select without a table returned nothing');
  return { mark: row.mark, readCommitted: row.read_committed };
}
