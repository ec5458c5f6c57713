import { rowsOf, type Executor } from '../db/executor.ts';

/** Which database this is, among all servers: not the same in a copy that was made with a dump or a template. */
export async function readDatabaseIdentity(db: Executor): Promise<string> {
  const [row] = await rowsOf<{ identity: string }>(
    db,
    `select system_identifier || '.' || database_oid as identity from commitcast.identity`,
  );
  if (!row) throw new Error('commitcast.identity gave no row');
  return row.identity;
}
