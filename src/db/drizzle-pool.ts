import type { Pool } from 'pg';
import { checkOut } from './check-out.ts';

/** drizzle's session over `pg`, as far as it is needed here. */
interface Session<Tx> {
  client: unknown;
  transaction<Result>(work: (tx: Tx) => Promise<Result>, config?: object): Promise<Result>;
}

/** A drizzle database over a pool of `pg`. */
export interface DrizzleOverPool<Tx> {
  $client: Pool;
  session: Session<Tx>;
}

export function isDrizzleOverPool<Tx>(db: object): db is DrizzleOverPool<Tx> {
  const { $client, session } = db as Partial<DrizzleOverPool<Tx>>;
  return (
    typeof session?.transaction === 'function' &&
    session.client === $client &&
    typeof $client?.totalCount === 'number' &&
    // An application may have wrapped it, to set what its transactions need.
    !Object.hasOwn(db, 'transaction')
  );
}

/**
 * drizzle (0.45) does not listen for errors of the connection that it takes, so that one which the server has ended ends
 * the process; and it never gives back one whose `begin` fails. It is lent one of its pool by us: its session is its own
 * but for that.
 */
export async function drizzleTransaction<Tx, Result>(
  { $client, session }: DrizzleOverPool<Tx>,
  work: (tx: Tx) => Promise<Result>,
  config?: object,
): Promise<Result> {
  const client = await checkOut($client, ignore);
  const lent = Object.create(session, { client: { value: client } }) as Session<Tx>;
  const outcome: { error?: unknown } = {};
  let usable = false;
  try {
    const result = await lent.transaction(async (tx) => {
      try {
        return await work(tx);
      } catch (error) {
        outcome.error = error;
        throw error;
      }
    }, config);
    usable = true;
    return result;
  } catch (error) {
    // Any other one is of its `begin`, `commit` or `rollback`.
    usable = error === outcome.error;
    throw error;
  } finally {
    client.release(!usable);
    client.off('error', ignore);
  }
}

/** The query in flight fails as well. */
function ignore(): void {}
