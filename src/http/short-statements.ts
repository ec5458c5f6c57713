import type { Pool } from 'pg';
import { checkOut } from '../db/check-out.ts';
import type { Executor } from '../db/executor.ts';

const nothing = () => {};

/**
 * A pool whose limits are for replays, for statements that nobody shall wait for: the server gives each up after
 * `timeoutMs`. The limit is of the session, not of a transaction, which a frozen process would hold open.
 */
export function shortStatements(pool: Pool, timeoutMs: number): Executor {
  return {
    async query(text, values) {
      const client = await checkOut(pool, nothing);
      let failed: Error | undefined;
      try {
        await client.query(`set statement_timeout = ${timeoutMs}`);
        try {
          return await client.query<object>(text, values);
        } finally {
          await client.query('reset statement_timeout');
        }
      } catch (error) {
        // Whether the limit is still in force is not known then.
        failed = error as Error;
        throw error;
      } finally {
        client.release(failed);
        client.off('error', nothing);
      }
    },
  };
}
