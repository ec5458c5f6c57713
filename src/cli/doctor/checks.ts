import type { Check } from './check.ts';
import { checkAddresses } from './checks/addresses.ts';
import { checkClock } from './checks/clock.ts';
import { checkConnections } from './checks/connections.ts';
import { checkConsumers } from './checks/consumers.ts';
import { checkEpoch } from './checks/epoch.ts';
import { checkInstances } from './checks/instances.ts';
import { checkLeader } from './checks/leader.ts';
import { checkLocks } from './checks/locks.ts';
import { checkObjects } from './checks/objects.ts';
import { checkOutbox } from './checks/outbox.ts';
import { checkPartitions } from './checks/partitions.ts';
import { checkGiven, checkPublished } from './checks/positions.ts';
import { checkPreparedTransactions } from './checks/prepared-transactions.ts';
import { checkPrivileges } from './checks/privileges.ts';
import { checkSessionSettings } from './checks/session-settings.ts';
import { checkTriggers } from './checks/triggers.ts';
import { checkWriters } from './checks/writers.ts';

/** In the order in which they look, when the server has shown what it is. */
export const checks: readonly Check[] = [
  checkAddresses,
  checkSessionSettings,
  checkConnections,
  checkPreparedTransactions,
  checkClock,
  checkLocks,
  checkPrivileges,
  checkObjects,
  checkTriggers,
  checkEpoch,
  checkPartitions,
  checkPublished,
  checkGiven,
  checkOutbox,
  checkWriters,
  checkLeader,
  checkInstances,
  checkConsumers,
];
