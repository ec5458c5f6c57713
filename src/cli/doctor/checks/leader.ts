import { locks } from '../../../db/advisory-lock.ts';
import { readLockHolders } from '../../../log/read-lock-holders.ts';
import { readStatus } from '../../../log/read-status.ts';
import { durationText } from '../../table.ts';
import type { Check } from '../check.ts';
import { found, shown } from '../finding.ts';

/** It counts once a second; a follower stands in after 3 to 4 s. */
const standstillMs = 10_000;

export const checkLeader: Check = {
  name: 'leader',
  needs: 'schema',
  async look({ db }) {
    const { leader } = await readStatus(db);
    if (leader && leader.heartbeatAgeMs <= standstillMs) return [];
    const since = leader
      ? `the last heartbeat was ${durationText(leader.heartbeatAgeMs / 1_000)} ago`
      : 'nobody ever has';
    const holder = (await readLockHolders(db)).find(
      ({ key, mode }) => key === locks.leader && mode === 'ExclusiveLock',
    );
    return [
      holder
        ? found(
            'HEARTBEAT_STANDS_STILL',
            `pid ${holder.pid} (${shown(holder.applicationName)}) holds LEADER, and ${since}.`,
            `Its process is frozen or cut off, and no other instance stands in: start one more, or restart that one. To end its session: select pg_terminate_backend(${holder.pid}).`,
          )
        : found(
            'NO_LEADER',
            `Nobody holds LEADER; ${since}.`,
            'Start `commitcast serve` or `commitcast relay`; see that COMMITCAST_RELAY is not off on all instances.',
          ),
    ];
  },
};
