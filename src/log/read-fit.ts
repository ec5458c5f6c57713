import { rowsOf, type Executor } from '../db/executor.ts';
import { presentEpochSql } from './present-epoch.ts';

/** What a transaction's snapshot shows beyond a settled position. */
export interface Fit {
  /** `undefined` when nobody has opened one yet for the history that the database has now, or it is a standby. */
  epoch: string | undefined;
  /** Highest visible position; the settled one when there is none beyond it. */
  position: number;
  /** Whether no position is missing up to there. */
  dense: boolean;
  /** As Postgres names it. */
  isolation: string;
}

/** With more than these beyond the settled position it is better to settle first. */
const limit = 10_000;

// A standby shows no locks of the primary's, so nothing could be proved there.
const sql = `
  with beyond as (
    select position from commitcast.log where position > $1 order by position limit ${limit}
  )
  select (select count(*) from beyond) as count, (select max(position) from beyond) as last,
    current_setting('transaction_isolation') as isolation,
    ${presentEpochSql} as epoch`;

/** As the first statement of a REPEATABLE READ transaction it also decides what the transaction sees from now on. */
export async function readFit(db: Executor, settled: number): Promise<Fit> {
  const [row] = await rowsOf<{ count: string; last: string | null; isolation: string; epoch: string | null }>(
    db,
    sql,
    [settled],
  );
  if (!row) throw new Error('commitcast.epoch has lost its rows');
  const count = Number(row.count);
  const position = Number(row.last ?? settled);
  return {
    epoch: row.epoch ?? undefined,
    position,
    dense: count < limit && count === position - settled,
    isolation: row.isolation,
  };
}
