import { rowsOf, type Executor } from '../db/executor.ts';

/** Which database of which cluster of servers answers; the same on a primary and on its standbys. */
export async function readDatabase(db: Executor): Promise<string> {
  const [row] = await rowsOf<{ database: string }>(
    db,
    `select (select system_identifier from pg_catalog.pg_control_system()) || '.' || oid as database
     from pg_catalog.pg_database where datname = current_database()`,
  );
  if (!row) throw new Error('the database is not in its own catalog');
  return row.database;
}
