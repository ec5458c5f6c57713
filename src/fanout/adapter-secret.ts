import { rowsOf, type Executor } from '../db/executor.ts';

/** What only the instances know, beside the owner: part of the name of their channel. */
export async function readAdapterSecret(db: Executor): Promise<string> {
  const [row] = await rowsOf<{ secret: string }>(db, 'select secret from commitcast.adapter');
  if (!row) throw new Error('commitcast.adapter has lost its row');
  return row.secret;
}
