import type { Executor } from '../db/executor.ts';
import { readPage, type RangePage } from './read-page.ts';

const limit = 1_000;

/** The first page of `(after, upTo]`, rising. The caller knows that `upTo` is settled. */
export function readRange(db: Executor, after: number, upTo: number): Promise<RangePage> {
  return readPage(db, { after, upTo, limit });
}
