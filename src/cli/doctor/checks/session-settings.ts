import { readSessionNames } from '../../../log/read-session-names.ts';
import { readSettings } from '../../../log/read-settings.ts';
import type { Check } from '../check.ts';
import { found, type Finding } from '../finding.ts';
import { quoting } from '../sql-text.ts';

const names = [
  'synchronous_commit',
  'session_replication_role',
  'idle_in_transaction_session_timeout',
  'transaction_timeout',
  'max_prepared_transactions',
];

/** Settings as the sessions of an application find them: ours bring their own. */
export const checkSessionSettings: Check = {
  name: 'settings',
  needs: 'server',
  async look({ plain }) {
    const settings = await readSettings(plain, names);
    const session = await readSessionNames(plain);
    const quoted = await quoting(plain, [session.database, session.role]);
    const [database, role] = [quoted(session.database), quoted(session.role)];
    const findings: Finding[] = [];
    if (settings['synchronous_commit'] === 'off')
      findings.push(
        found(
          'SYNCHRONOUS_COMMIT_OFF',
          'synchronous_commit is off for this role and database.',
          'Nothing is lost: transactions with events set it to on for themselves. Set it to on for roles that append often, and their commits cost less.',
        ),
      );
    if (settings['session_replication_role'] === 'replica')
      findings.push(
        found(
          'REPLICA_ROLE',
          'session_replication_role is replica for this role and database.',
          `Events are published all the same, but your foreign keys and triggers do not fire: alter role ${role} reset session_replication_role; alter database ${database} reset session_replication_role.`,
        ),
      );
    // `transaction_timeout` came with Postgres 17, and ends what is idle, too.
    if (
      settings['idle_in_transaction_session_timeout'] === '0' &&
      ['0', undefined].includes(settings['transaction_timeout'])
    )
      findings.push(
        found(
          'NO_IDLE_TIMEOUT',
          'idle_in_transaction_session_timeout is 0 for this role and database.',
          `alter database ${database} set idle_in_transaction_session_timeout = '60s': a session that is left in a transaction keeps its events to itself, and the outbox from being emptied.`,
        ),
      );
    if (Number(settings['max_prepared_transactions']) > 0)
      findings.push(
        found(
          'PREPARED_TRANSACTIONS_ON',
          `max_prepared_transactions is ${settings['max_prepared_transactions']}.`,
          'Set it to 0 unless something needs it: transactions with events are refused where they are prepared, and all others pay for the look.',
        ),
      );
    return findings;
  },
};
