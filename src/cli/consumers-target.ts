import { parseCursor } from '../core/cursor.ts';
import { CommitcastError } from '../core/errors.ts';
import type { Executor } from '../db/executor.ts';
import { readEpochEnd } from '../log/epoch.ts';
import { readHead } from '../log/head.ts';

/**
 * The position that `--to` means: that before the oldest event kept (`start`), that of a cursor, or the number itself.
 *
 * @throws {CommitcastError} `CURSOR_INVALID`
 */
export async function rewindTarget(db: Executor, to: string): Promise<number> {
  if (to === 'start') return (await readHead(db)).floor - 1;
  if (/^\d{1,15}$/.test(to)) return Number(to);
  const { epoch, position } = parseCursor(to);
  const end = await readEpochEnd(db, epoch);
  if (end === undefined || position > end)
    throw new CommitcastError('CURSOR_INVALID', 'The cursor is not of the history of this database');
  return position;
}
