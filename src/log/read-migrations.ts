import { rowsOf, type Executor } from '../db/executor.ts';

/** How many migrations the database says it has had; `undefined`: it has no schema of Commitcast. */
export async function countMigrations(db: Executor): Promise<number | undefined> {
  const [journal] = await rowsOf<{ exists: boolean }>(
    db,
    `select exists (
       select from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = 'commitcast' and c.relname = 'migration'
     ) as exists`,
  );
  if (!journal?.exists) return undefined;
  const [row] = await rowsOf<{ count: number }>(
    db,
    'select count(*)::int as count from commitcast.migration',
  );
  return row?.count ?? 0;
}
