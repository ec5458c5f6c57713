import type { Client } from 'pg';
import type { Executor } from '../../src/db/executor.ts';

/** `stream version` of each event of the org that has a stream, in the order of positions. */
export async function versionsInLog(db: Executor, org: string): Promise<string[]> {
  const { rows } = await db.query(
    `select stream || ' ' || version as place from commitcast.log
     where org_id = $1 and stream is not null order by position`,
    [org],
  );
  return (rows as { place: string }[]).map(({ place }) => place);
}

/** One event, inserted as any SQL client would. */
export async function insertInto(db: Executor, org: string, stream: string, version?: number): Promise<void> {
  await db.query(
    `insert into commitcast.outbox (org_id, stream, version, type, data) values ($1, $2, $3, 'inserted', '{}')`,
    [org, stream, version ?? null],
  );
}

/** Begins a transaction that works by the state of the database at this moment, where the level has such a thing. */
export async function beginAt(client: Client, level: string): Promise<void> {
  await client.query(`begin isolation level ${level}`);
  await client.query('select count(*) from pg_catalog.pg_class');
}
