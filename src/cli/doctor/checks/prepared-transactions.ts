import { readPreparedTransactions } from '../../../log/read-prepared-transactions.ts';
import { durationText } from '../../table.ts';
import type { Check } from '../check.ts';
import { found, shown } from '../finding.ts';
import { literal } from '../sql-text.ts';

/** Whoever prepares has something else to ask first; after a minute it is left over. */
const leftMs = 60_000;

export const checkPreparedTransactions: Check = {
  name: 'prepared transactions',
  needs: 'server',
  async look({ db }) {
    const all = await readPreparedTransactions(db);
    return all
      .filter(({ holdsCommitting, ageMs }) => holdsCommitting || ageMs > leftMs)
      .map(({ gid, owner, ageMs, holdsCommitting }) =>
        found(
          holdsCommitting ? 'PREPARED_TRANSACTION_HOLDS' : 'PREPARED_TRANSACTION_LEFT',
          `${shown(gid)} of ${shown(owner)} was prepared ${durationText(ageMs / 1_000)} ago${holdsCommitting ? ', and has positions' : ''}.`,
          `Decide as its transaction manager would: commit prepared ${literal(gid)}, or rollback prepared ${literal(gid)}.`,
        ),
      );
  },
};
