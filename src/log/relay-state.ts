import { rowsOf, type Executor } from '../db/executor.ts';

export interface RelayState {
  /** Counts up while somebody leads. */
  heartbeat: number;
  /** The epoch in force. */
  epoch: string;
}

/**
 * Saves how far the leader has published, and shows that it lives. `published` never goes back. With `after`, only if
 * nobody has counted since that heartbeat; else `undefined`.
 */
export async function saveRelayState(
  db: Executor,
  { leader, published, after }: { leader: string; published: number; after?: number },
): Promise<RelayState | undefined> {
  const [row] = await rowsOf<{ heartbeat: string; epoch: string }>(
    db,
    `update commitcast.relay
     set published = greatest(published, $1), leader = $2, heartbeat = heartbeat + 1, updated_at = clock_timestamp()
     where $3::bigint is null or heartbeat = $3
     returning heartbeat, (select epoch from commitcast.epoch order by ordinal desc limit 1) as epoch`,
    [published, leader, after ?? null],
  );
  return row && { heartbeat: Number(row.heartbeat), epoch: row.epoch };
}
