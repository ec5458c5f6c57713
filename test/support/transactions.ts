import type { Client } from 'pg';
import type { Executor } from '../../src/db/executor.ts';
import type { TestDatabase } from './database.ts';
import { until } from './until.ts';

/** One event of `acme`, inserted as any SQL client would. */
export async function insertEvent(db: Executor, type: string): Promise<void> {
  await db.query(`insert into commitcast.outbox (org_id, type, data) values ('acme', $1, '{}')`, [type]);
}

/** Types of all events in the log, in the order of their positions. */
export async function typesInLog(db: Executor): Promise<string[]> {
  const { rows } = await db.query('select type from commitcast.log order by position');
  return (rows as { type: string }[]).map(({ type }) => type);
}

export function pidOf(client: Client): number {
  return (client as unknown as { processID: number }).processID;
}

/** Returns when the client's backend waits for a heavyweight lock: what it runs cannot go on by itself. */
export async function untilBlocked(database: TestDatabase, client: Client): Promise<void> {
  const pid = pidOf(client);
  await until(
    async () => {
      const { rows } = await database.pool.query<{ blocked: boolean }>(
        `select wait_event_type = 'Lock' as blocked from pg_stat_activity where pid = $1`,
        [pid],
      );
      return rows[0]?.blocked;
    },
    { message: `backend ${pid} to wait for a lock` },
  );
}
