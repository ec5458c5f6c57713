import { rowsOf, type Executor } from '../db/executor.ts';

export interface EpochRecord {
  epoch: string;
  openedAt: Date;
  /** Of Postgres, when it was opened. */
  timeline: number;
  /** Last position of the epoch before it. */
  previousEnd: number;
}

/** The epochs of this database, oldest first; the last one is in force. */
export async function readEpochs(db: Executor): Promise<EpochRecord[]> {
  const rows = await rowsOf<{ epoch: string; opened_at: Date; timeline: number; previous_end: string }>(
    db,
    'select epoch, opened_at, timeline, previous_end from commitcast.epoch order by ordinal',
  );
  return rows.map(({ epoch, opened_at, timeline, previous_end }) => ({
    epoch,
    openedAt: opened_at,
    timeline,
    previousEnd: Number(previous_end),
  }));
}
