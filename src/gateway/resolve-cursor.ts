import type { Cursor } from '../core/cursor.ts';
import type { ResetReason } from '../core/protocol.ts';
import { readEpochEnd } from '../log/epoch.ts';
import { readHead } from '../log/head.ts';
import type { Executor } from '../db/executor.ts';
import type { Dispatcher } from './dispatcher.ts';

/** Where catch-up reads from. */
export interface CatchUpSource {
  db: Executor;
  dispatcher: Pick<Dispatcher, 'epoch' | 'position' | 'present' | 'tail' | 'reached' | 'doubt'>;
}

/** Where a cursor goes on in the present history, and why that is not exactly where it was. */
export interface ResolvedCursor {
  position: number;
  reason?: ResetReason;
}

/**
 * A cursor of this epoch within the head goes on where it is. One beyond the head, or beyond the end of its older
 * epoch, has seen what this history does not have: `reset epoch`. One of an epoch that was never here: `reset unknown`.
 * Positions below the floor show when they are read.
 */
export async function resolveCursor(
  { db, dispatcher }: CatchUpSource,
  cursor: Cursor,
): Promise<ResolvedCursor> {
  if (cursor.epoch === dispatcher.epoch) {
    if (cursor.position <= dispatcher.position) return { position: cursor.position };
    const { last } = await readHead(db);
    return cursor.position <= last
      ? { position: cursor.position }
      : { position: dispatcher.present, reason: 'epoch' };
  }
  const end = await readEpochEnd(db, cursor.epoch);
  if (end === undefined) return { position: dispatcher.present, reason: 'unknown' };
  return cursor.position <= end ? { position: cursor.position } : { position: end, reason: 'epoch' };
}
