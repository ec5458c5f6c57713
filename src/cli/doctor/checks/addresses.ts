import { silentLogger } from '../../../core/logger.ts';
import { createApplicationPool } from '../../../db/connection.ts';
import { readDatabase } from '../../../log/read-database.ts';
import type { Check } from '../check.ts';
import { found } from '../finding.ts';

/** Whether the address of the application leads to the database that instances read, when it has one of its own. */
export const checkAddresses: Check = {
  name: 'addresses',
  needs: 'server',
  async look({ db, settings: { databaseUrl, databaseDirectUrl } }) {
    if (databaseUrl === undefined || databaseDirectUrl === undefined) return [];
    const pool = createApplicationPool({
      connectionString: databaseUrl,
      applicationName: 'commitcast-doctor',
      max: 1,
      logger: silentLogger,
    });
    const [there] = await Promise.allSettled([readDatabase(pool)]);
    await pool.end();
    // Without the error itself: that the other address cannot be reached must not pass for this one.
    if (there.status === 'rejected') throw new Error(`DATABASE_URL: ${(there.reason as Error).message}`);
    if (there.value === (await readDatabase(db))) return [];
    return [
      found(
        'ADDRESSES_APART',
        'DATABASE_URL and DATABASE_DIRECT_URL lead to different databases.',
        'Set DATABASE_DIRECT_URL to the database that the pooler of DATABASE_URL leads to: instances read there, and the application writes here.',
      ),
    ];
  },
};
