import { parseCursor } from '../core/cursor.ts';
import { CommitcastError } from '../core/errors.ts';
import type { Executor } from '../db/executor.ts';
import { readEpochEnd } from '../log/epoch.ts';
import { readHead } from '../log/head.ts';
import type { SettledHead } from './settled-head.ts';

/**
 * The position after which a new consumer begins.
 *
 * @throws {CommitcastError} `CURSOR_INVALID` for a cursor that is not of this database's history
 */
export async function beginningOf(db: Executor, from: string, head: SettledHead): Promise<number> {
  const { epoch, floor, last } = await readHead(db);
  if (from === 'start') return floor - 1;
  if (from === 'now') return head.position;
  const { epoch: seen, position } = parseCursor(from);
  const end = seen === epoch ? last : await readEpochEnd(db, seen);
  if (end === undefined || position > end)
    throw new CommitcastError('CURSOR_INVALID', 'The cursor is not of the history of this database');
  return position;
}
