import { rowsOf, type Executor } from '../db/executor.ts';

/** Who asks, and where. */
export async function readSessionNames(db: Executor): Promise<{ database: string; role: string }> {
  const [row] = await rowsOf<{ database: string; role: string }>(
    db,
    'select current_database()::text as database, session_user::text as role',
  );
  if (!row) throw new Error('no session without a database');
  return row;
}
