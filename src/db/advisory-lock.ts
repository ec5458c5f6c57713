import type { Executor } from './executor.ts';

/** Keys of the advisory locks, as in migrations/0001_positions.sql: class "comm", then the lock. EPOCH is taken in SQL only. */
export const lockClass = 1_668_246_893;

export const locks = {
  /** Shared by every transaction that is giving positions. */
  committing: 1,
  /** Exclusive while a relay polls; writers then skip NOTIFY. */
  awake: 2,
  /** Exclusive by the relay that leads. */
  leader: 3,
  /** Exclusive by the one migration. */
  migrate: 4,
  /** Exclusive while partitions of the log are made or dropped. */
  partition: 5,
} as const;

/**
 * Waits for a lock, exclusively, on a session that lives as long as it is held. Who waits does not notice by itself that
 * its client has gone, and would stand in line for ever: the server looks once a second, where it can.
 */
export async function waitForLock(client: Executor, key: number): Promise<void> {
  const look = client.query(`select set_config('client_connection_check_interval', '1000', false)`);
  // Not known to every platform that a server runs on.
  look.catch(() => undefined);
  await client.query('select pg_advisory_lock($1, $2)', [lockClass, key]);
}
