import type { Cursor } from '../core/cursor.ts';
import type { ResetReason } from '../core/protocol.ts';
import { readEpochEnd } from '../log/epoch.ts';
import { readHead } from '../log/head.ts';
import type { Executor } from '../db/executor.ts';
import type { Dispatcher } from './dispatcher.ts';

/** What says which history this is, and which ones there were. */
export interface CursorSource {
  db: Executor;
  dispatcher: Pick<Dispatcher, 'epoch' | 'position' | 'present' | 'tail' | 'reached' | 'doubt' | 'nextEpoch'>;
}

/** Where a cursor goes on in the present history, and why that is not exactly where it was. */
export interface ResolvedCursor extends Cursor {
  reason?: ResetReason;
}

/**
 * A cursor of this epoch within the head goes on where it is. One beyond the head, or beyond the end of its older
 * epoch, has seen what this history does not have: `reset epoch`. One of an epoch that was never here: `reset unknown`.
 * One of an epoch that this instance has not met yet waits for it; `undefined` when the signal aborts meanwhile.
 * Positions below the floor show when they are read.
 */
export async function resolveCursor(
  source: CursorSource,
  cursor: Cursor,
  signal: AbortSignal,
): Promise<ResolvedCursor | undefined> {
  const { dispatcher } = source;
  while (!signal.aborted) {
    const { epoch } = dispatcher;
    const resolved = await resolve(source, cursor);
    if (epoch !== dispatcher.epoch) continue;
    if (resolved) return { epoch, ...resolved };
    dispatcher.doubt(cursor.epoch);
    await dispatcher.nextEpoch(signal);
  }
  return undefined;
}

async function resolve(
  { db, dispatcher }: CursorSource,
  { epoch, position }: Cursor,
): Promise<Omit<ResolvedCursor, 'epoch'> | undefined> {
  if (epoch === dispatcher.epoch) {
    if (position <= dispatcher.position) return { position };
    const { last } = await readHead(db);
    return position <= last ? { position } : { position: dispatcher.present, reason: 'epoch' };
  }
  const end = await readEpochEnd(db, epoch);
  if (end === undefined) return { position: dispatcher.present, reason: 'unknown' };
  if (end === Infinity) return undefined;
  return position <= end ? { position } : { position: end, reason: 'epoch' };
}
