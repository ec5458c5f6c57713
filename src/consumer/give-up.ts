import type { Pool } from 'pg';
import type { Logger } from '../core/logger.ts';
import { moveCheckpoint, saveFailure } from './checkpoint.ts';
import { inPoolTransaction } from './database.ts';
import type { PageWork } from './handle-page.ts';
import { readNext } from './read-next.ts';
import { joinLanes, laneOf, park } from './parked.ts';

export interface GiveUpWork<Tx> extends Omit<
  PageWork<Tx>,
  'prepared' | 'db' | 'limit' | 'lanes' | 'ahead' | 'signal'
> {
  control: Pool;
  failure: { error: string; attempts: number };
  logger: Logger;
}

export interface ParkedAt {
  position: number;
  lane: string;
}

/**
 * The next event has failed too often. Parks it, moves the checkpoint over it and says where; or lets the partition
 * stand still.
 */
export async function giveUp<Tx>(work: GiveUpWork<Tx>): Promise<ParkedAt | undefined> {
  const { control, options, claim, position, failure, logger } = work;
  const parked = options.onPoison === 'stop' ? undefined : await parkNext(work, options.onPoison);
  const { error } = failure;
  if (parked) {
    logger.error(
      { ...claim, ...parked, error },
      'an event was parked; what follows it in its lane will be, too',
    );
    return parked;
  }
  await saveFailure(control, claim, error);
  logger.error({ ...claim, position, error }, 'a consumer stands still: it cannot handle the next event');
  return undefined;
}

async function parkNext<Tx>(
  { control, claim, saved, failure, ...work }: GiveUpWork<Tx>,
  by: 'park-org' | 'park-stream',
): Promise<ParkedAt | undefined> {
  let parked: ParkedAt | undefined;
  await inPoolTransaction(control, async (client) => {
    const { entries, to } = await readNext({ ...work, claim, limit: 1 }, client);
    const [entry] = entries;
    // An erasure that cannot be followed has no lane that could wait.
    if (!entry || entry.control) return;
    const lane = laneOf(entry.event, by);
    if (by === 'park-org') await joinLanes(client, claim, entry.event.org);
    await park(client, claim, [{ event: entry.event, lane }], failure);
    await moveCheckpoint(client, claim, { from: saved, to });
    parked = { position: to, lane };
  });
  return parked;
}
