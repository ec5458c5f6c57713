import type { Executor } from '../db/executor.ts';

/** Saves how far the leader has published, and shows that it lives. `published` never goes back. */
export async function saveRelayState(
  db: Executor,
  { leader, published }: { leader: string; published: number },
): Promise<void> {
  await db.query(
    `update commitcast.relay
     set published = greatest(published, $1), leader = $2, heartbeat = heartbeat + 1, updated_at = clock_timestamp()`,
    [published, leader],
  );
}
