import { rowsOf, type Executor } from '../db/executor.ts';

/** What these settings are in the session that asks, by their names, in the unit that Postgres keeps them in. */
export async function readSettings(
  db: Executor,
  names: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const rows = await rowsOf<{ name: string; setting: string }>(
    db,
    'select name, setting from pg_catalog.pg_settings where name = any($1)',
    [names],
  );
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
}
