import { makePartitions } from '../../src/log/partitions.ts';
import { dropExpired } from '../../src/log/retention.ts';
import type { TestDatabase } from '../support/database.ts';

const size = 131_072;

/** What is committed from now on is in the next partition. */
export async function beginPartition({ pool }: TestDatabase): Promise<void> {
  await pool.query(
    `select setval('commitcast.position', (last_value / ${size} + 1) * ${size} + 1, false) from commitcast.position`,
  );
  await makePartitions(pool);
}

/** Retention removes the oldest partition, as if all in it were old. */
export async function dropOldest(database: TestDatabase): Promise<void> {
  const { pool } = database;
  const { rows } = await pool.query<{ name: string }>(
    'select name from commitcast.partition order by from_position limit 1',
  );
  const table = `commitcast.${rows[0]?.name}`;
  await pool.query(`alter table ${table} disable trigger append_only`);
  await pool.query(`update ${table} set committed_at = now() - interval '3 hours'`);
  await pool.query(`alter table ${table} enable always trigger append_only`);
  await pool.query('update commitcast.relay set published = (select max(position) from commitcast.log)');
  const dropped = await dropExpired(await database.connect(), 3_600_000);
  if (dropped !== rows[0]?.name) throw new Error(`retention has removed ${dropped}, not ${rows[0]?.name}`);
}
