import { readConnectionLimits } from '../../../log/read-connection-room.ts';
import type { Check } from '../check.ts';
import { found } from '../finding.ts';

/** What one instance opens at most: pool, dispatcher, relay, adapter. */
const ofOneInstance = 20;

export const checkConnections: Check = {
  name: 'connections',
  needs: 'server',
  async look({ db }) {
    const limits = await readConnectionLimits(db);
    return limits
      .filter(({ most, used }) => most - used < ofOneInstance)
      .map(({ of, most, used }) =>
        found(
          'CONNECTIONS_FEW',
          `The ${of} allows ${most} connections, and ${used} are in use; an instance opens up to ${ofOneInstance}.`,
          of === 'server'
            ? 'Raise max_connections, or put business connections behind a pooler.'
            : `Raise the limit: alter ${of} … connection limit ${Math.max(used, most) + 2 * ofOneInstance}.`,
        ),
      );
  },
};
