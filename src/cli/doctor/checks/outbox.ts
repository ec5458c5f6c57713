import { readOutboxRows } from '../../../log/read-outbox-rows.ts';
import { durationText, formatInteger } from '../../table.ts';
import type { Check } from '../check.ts';
import { found, type Finding } from '../finding.ts';

/** The leader empties the outbox within seconds. */
const clearedMs = 60_000;

export const checkOutbox: Check = {
  name: 'outbox',
  needs: 'schema',
  async look({ db }) {
    const { ended, oldestMs, foreign } = await readOutboxRows(db);
    const findings: Finding[] = [];
    if (foreign > 0)
      findings.push(
        found(
          'OUTBOX_FOREIGN_ROWS',
          `${formatInteger(foreign)} rows are of transactions that this server has not had: they came with a dump.`,
          'The log has what they said, where it was restored, too. Remove them: select commitcast.clear_outbox(). Leave commitcast.outbox out of dumps.',
        ),
      );
    if (ended > 0 && (oldestMs ?? 0) > clearedMs)
      findings.push(
        found(
          'OUTBOX_NOT_CLEARED',
          `${formatInteger(ended)} rows, the oldest of ${durationText((oldestMs ?? 0) / 1_000)} ago.`,
          'The leader removes them once a second: see that one leads, and what its log says of housekeeping. By hand: select commitcast.clear_outbox().',
        ),
      );
    return findings;
  },
};
