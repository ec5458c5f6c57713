import { sleep } from '../../../core/sleep.ts';
import { locks } from '../../../db/advisory-lock.ts';
import { readLockHolders, type LockHolder } from '../../../log/read-lock-holders.ts';
import { printable } from '../../printable.ts';
import { durationText } from '../../table.ts';
import type { Check } from '../check.ts';
import { found, shown } from '../finding.ts';

/** A commit has its positions for some milliseconds; one of many thousand events, for a second. */
const commitMs = 5_000;
/** A statement that began long ago may have come to its commit just now: then it is gone at the next look. */
const secondLookMs = 1_000;

const names: Readonly<Record<number, string>> = {
  [locks.committing]: 'COMMITTING',
  [locks.awake]: 'AWAKE',
  [locks.leader]: 'LEADER',
  [locks.migrate]: 'MIGRATE',
  [locks.partition]: 'PARTITION',
  6: 'EPOCH',
};

/** Who holds our advisory locks, and should not, or should have let go. */
export const checkLocks: Check = {
  name: 'locks',
  needs: 'server',
  async look({ db }) {
    const holders = await readLockHolders(db);
    const hanging = holders.filter(hangs);
    if (hanging.length > 0) await sleep(secondLookMs);
    const still = hanging.length > 0 ? await readLockHolders(db) : [];
    return [
      ...holders
        .filter(isForeign)
        .map((holder) =>
          found(
            'LOCK_FOREIGN',
            `${whoIs(holder)} holds ${names[holder.key] ?? `key ${holder.key}`}, exclusively.`,
            `The advisory locks of class 1668246893 are Commitcast's: let that program take others. To end it now: select pg_terminate_backend(${holder.pid}).`,
          ),
        ),
      ...hanging
        .filter((one) =>
          still.some(({ transaction, key }) => transaction === one.transaction && key === one.key),
        )
        .map((holder) =>
          found(
            'COMMIT_HANGS',
            `${whoIs(holder)} has been giving positions for ${durationText((holder.statementMs ?? 0) / 1_000)}${holder.waitEvent === '' ? '' : `, and waits for ${holder.waitEvent}`}.`,
            holder.waitEvent === 'SyncRep'
              ? 'A synchronous standby does not confirm: bring it back, or take it out of synchronous_standby_names.'
              : `Nothing that came later is delivered before it ends. To end it now: select pg_terminate_backend(${holder.pid}).`,
          ),
        ),
    ];
  },
};

function hangs({ key, mode, statementMs }: LockHolder): boolean {
  return key === locks.committing && mode === 'ShareLock' && (statementMs ?? 0) > commitMs;
}

/** Writers make partitions, and restores open epochs, under whatever name: in a statement, not before or after. */
function isForeign({ key, mode, applicationName, state }: LockHolder): boolean {
  if (mode !== 'ExclusiveLock') return false;
  if (key === locks.committing) return true;
  if (applicationName === '' || applicationName.startsWith('commitcast')) return false;
  return ([locks.awake, locks.leader, locks.migrate] as number[]).includes(key) || state.startsWith('idle');
}

function whoIs({ pid, applicationName, role }: LockHolder): string {
  return `pid ${pid} (${shown(applicationName)}, role ${printable(role)})`;
}
