import { isDeepStrictEqual } from 'node:util';
import { rowsOf, type Executor } from '../db/executor.ts';
import type { StreamName } from '../log/read-stream.ts';
import { transactionColumns, type CurrentTransaction, type TransactionRow } from '../log/read-transaction.ts';

/** What is known before a stream is read. */
export interface SavedState {
  /** As JSON; `undefined`: none was saved. */
  state: string | undefined;
  /** That the state stands for; 0 without one. */
  version: number;
  /** How often events of the stream have been erased: what is read from now on may be saved only while it is the same. */
  erasures: number;
  /** Whether the role may save. To try would abort the transaction of a role that may not. */
  mayBeSaved: boolean;
  /** The transaction that it was read in. */
  transaction: CurrentTransaction;
}

export interface SavedRow extends TransactionRow {
  state: string | null;
  version: string | null;
  erasures: number | null;
  may_be_saved: boolean;
}

const readSql = `
  select saved.state::text as state, saved.version, stream.erasures,
    has_function_privilege('commitcast.save_state(text, text, text, bigint, int, jsonb)', 'execute') as may_be_saved,
    ${transactionColumns}
  from (select) one
    left join commitcast.stream stream on stream.org_id = $1 and stream.stream = $2
    left join commitcast.state saved on saved.org_id = $1 and saved.stream = $2 and saved.name = $3`;

/** Called before the events are read, so that an erasure in between shows by `erasures`. */
export async function readSaved(
  db: Executor,
  { org, stream }: StreamName,
  name: string,
): Promise<SavedState> {
  const [row] = await rowsOf<SavedRow>(db, readSql, [org, stream, name]);
  if (!row) throw new Error('a select without a table returned nothing');
  return {
    state: row.state ?? undefined,
    version: Number(row.version ?? 0),
    erasures: row.erasures ?? 0,
    mayBeSaved: row.may_be_saved,
    transaction: { mark: row.mark, readCommitted: row.read_committed },
  };
}

/** A state as JSON, or `undefined` for one that JSON, or Postgres, would not give back as it is. */
export function toSavedJson(state: unknown): string | undefined {
  let json: string | undefined;
  try {
    json = JSON.stringify(state);
    // \u0000 or half of a surrogate pair: an error inside the transaction.
    if (json === undefined || /\\u(?:0000|d[89a-f])/i.test(json)) return undefined;
    return isDeepStrictEqual(JSON.parse(json), state) ? json : undefined;
  } catch {
    return undefined;
  }
}

export interface StateToSave extends StreamName {
  name: string;
  version: number;
  erasures: number;
  json: string;
}

export async function saveState(
  db: Executor,
  { org, stream, name, version, erasures, json }: StateToSave,
): Promise<void> {
  await db.query('select commitcast.save_state($1, $2, $3, $4::bigint, $5::int, $6::jsonb)', [
    org,
    stream,
    name,
    version,
    erasures,
    json,
  ]);
}
